"""Layouts of records as data: described in JSON beside the bytes, and migrated by field name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Layout = str | dict[str, Any]


def describe(dtype: np.dtype[Any]) -> Layout:
    """A dtype as JSON: a type string, ``{"base", "shape"}`` for a nested array, or fields with their offsets."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": describe(base), "shape": list(shape)}
    if dtype.names is None:
        return dtype.str
    fields: Mapping[str, Any] = dtype.fields or {}
    return {
        "names": list(dtype.names),
        "formats": [describe(fields[name][0]) for name in dtype.names],
        "offsets": [int(fields[name][1]) for name in dtype.names],
        "itemsize": dtype.itemsize,
    }


def dtype_of(layout: Layout) -> np.dtype[Any]:
    """The dtype that :func:`describe` described."""
    if isinstance(layout, str):
        return np.dtype(layout)
    if "base" in layout:
        return np.dtype((dtype_of(layout["base"]), tuple(layout["shape"])))
    return np.dtype(
        {
            "names": layout["names"],
            "formats": [dtype_of(part) for part in layout["formats"]],
            "offsets": layout["offsets"],
            "itemsize": layout["itemsize"],
        }
    )


class MigrationError(ValueError):
    """The old values have no place in the new layout."""


def migrate(old: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The same records in another layout, matched by field name, nested records and arrays included.

    New fields are zero, fields gone are dropped, nested arrays that grew are padded with zeros.

    Raises:
        MigrationError: a field changed its kind or got narrower, or a nested array shrank.
    """
    if old.dtype == dtype:
        return old.copy()
    new = np.zeros(old.shape, dtype)
    _move(old, new, "")
    return new


def _move(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any], path: str) -> None:
    if old.ndim != new.ndim or any(had > has for had, has in zip(old.shape, new.shape, strict=True)):
        raise MigrationError(f"{path or 'the array'} had shape {old.shape} and now has {new.shape}")
    target = new[tuple(slice(size) for size in old.shape)]
    if new.dtype.names is None:
        if old.dtype.kind != new.dtype.kind or old.dtype.itemsize > new.dtype.itemsize:
            raise MigrationError(f"{path or 'the array'} was {old.dtype} and now is {new.dtype}")
        target[...] = old
        return
    if old.dtype.names is None:
        raise MigrationError(f"{path or 'the array'} was {old.dtype} and now is a record")
    for name in new.dtype.names:
        if name in old.dtype.names:
            _move(old[name], target[name], f"{path}.{name}" if path else name)

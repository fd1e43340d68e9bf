"""Square-root market impact with decay: how far our own trades have moved the price, and how that fades.

Trading ``Q`` lots at once moves the price by the fraction ``Y * sigma * sqrt(Q / V)`` against us: ``sigma`` is the
volatility of a day as a fraction of the price, ``V`` a day's volume in lots, ``Y`` a number near 1 (Toth et al. 2011,
"Anomalous price impact and the critical nature of liquidity in financial markets"). What is kept is the *volume still
felt*, signed, in lots: trades add to it, time takes from it, and

    impact = Y * sigma * sign(u) * sqrt(|u| / V)

so that a quantity sent in pieces at one moment has the impact of the whole, and a sale undoes a purchase. The felt
volume fades so that the impact of one block, left alone, decays

- ``EXPONENTIAL``: as ``exp(-t / tau)``,
- ``POWER``: as ``(1 + t / tau)^-beta``,

with ``tau`` in seconds. A power has no state of its own; it is a mixture of exponentials, ``(1 + x)^-a =
1/Gamma(a) * integral of exp(a s - e^s) exp(-x e^s) ds``, taken here at 40 points of ``s``: within 2e-4 of the block's
impact for ``t`` up to 1e6 ``tau`` and beta from 0.1 to 2. Each part decays by its own factor, so that the update over
any time is one step, exact for the mixture, and two steps give what one gives.

Kernels (``impact`` is a record of :func:`open_impact`): ``felt_lots(impact, ts_ns)``, ``impact_fraction(impact,
ts_ns)``, ``average_fraction(impact, ts_ns, signed_lots)``, ``add_impact(impact, ts_ns, signed_lots)``, ``moved_ticks(
impact, ts_ns, price_ticks)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.kernel import f8, i8, kernel, record, void

EXPONENTIAL = 0
POWER = 1
N_PARTS = 40

_LOWEST_S = -18.0
_HIGHEST_S = 3.5
_NS = 1e-9


class ImpactDecay(IntEnum):
    """How impact fades."""

    EXPONENTIAL = EXPONENTIAL
    POWER = POWER


IMPACT = np.dtype(
    [
        ("scale", "f8"),  # Y * sigma / sqrt(V)
        ("ts_ns", "i8"),  # time that the felt volume is of
        ("n_parts", "i8"),
        ("rate", "f8", (N_PARTS,)),  # of decay, a second
        ("weight", "f8", (N_PARTS,)),
        ("felt", "f8", (N_PARTS,)),  # lots, signed
    ],
    align=True,
)


@dataclass(frozen=True, slots=True)
class ImpactSettings:
    """Market impact of our own trades.

    Attributes:
        coefficient: ``Y``, 0 to 10; 0 for no impact.
        daily_volatility: ``sigma``, a fraction, 0 to 5.
        daily_volume_lots: ``V``, 1 to 2**53.
        decay: its form.
        tau_s: time of decay in seconds, 1e-3 to 1e7.
        beta: exponent of a power decay, 0.1 to 2.
    """

    coefficient: float = 0.0
    daily_volatility: float = 0.03
    daily_volume_lots: float = 1e9
    decay: ImpactDecay = ImpactDecay.EXPONENTIAL
    tau_s: float = 300.0
    beta: float = 0.5

    def __post_init__(self) -> None:
        bounds = (
            ("coefficient", 0.0, 10.0),
            ("daily_volatility", 0.0, 5.0),
            ("daily_volume_lots", 1.0, 2.0**53),
            ("tau_s", 1e-3, 1e7),
            ("beta", 0.1, 2.0),
        )
        for name, low, high in bounds:
            if not low <= getattr(self, name) <= high:
                raise SettingError(
                    f"{name} is {getattr(self, name)}", where="market impact", remedy=f"give {low:g} to {high:g}"
                )
        if self.decay not in list(ImpactDecay):
            raise SettingError(f"decay is {self.decay}", where="market impact", remedy="give one of ImpactDecay")


def open_impact(settings: ImpactSettings, ts_ns: int = 0) -> npt.NDArray[np.void]:
    """The state of a market that nothing of ours has moved, as one IMPACT record in an array of one."""
    impact = np.zeros(1, dtype=IMPACT)
    row = impact[0]
    row["scale"] = settings.coefficient * settings.daily_volatility / math.sqrt(settings.daily_volume_lots)
    row["ts_ns"] = ts_ns
    # The square of the impact is what fades here: twice the rate, twice the exponent.
    if settings.decay is ImpactDecay.EXPONENTIAL:
        row["n_parts"] = 1
        row["rate"][0], row["weight"][0] = 2.0 / settings.tau_s, 1.0
        return impact
    power = 2.0 * settings.beta
    s = np.linspace(_LOWEST_S, _HIGHEST_S, N_PARTS - 1)
    step = float(s[1] - s[0])
    end = _LOWEST_S - step / 2.0  # below lies a tail of weight e^(power s), here one part of its mean rate
    weights = np.concatenate([[math.exp(power * end) / power], step * np.exp(power * s - np.exp(s))])
    row["n_parts"] = N_PARTS
    row["rate"] = np.concatenate([[math.exp(end) * power / (1.0 + power)], np.exp(s)]) / settings.tau_s
    row["weight"] = weights / weights.sum()
    return impact


@kernel(f8(record(IMPACT), i8))
def felt_lots(impact: Any, ts_ns: int) -> float:
    """Signed lots of ours that the market still feels at a time; an earlier time than the state's is taken as its."""
    elapsed_s = max(ts_ns - impact["ts_ns"], 0) * _NS
    total = 0.0
    for part in range(impact["n_parts"]):
        total += impact["felt"][part] * math.exp(-impact["rate"][part] * elapsed_s)
    return total


@kernel(f8(f8, f8))
def fraction_of(scale: float, felt: float) -> float:
    """Impact of a felt volume, a fraction of the price with its sign."""
    return math.copysign(scale * math.sqrt(abs(felt)), felt)


@kernel(f8(record(IMPACT), i8))
def impact_fraction(impact: Any, ts_ns: int) -> float:
    """How far the price stands from where it would without us: a fraction, positive after purchases."""
    return float(fraction_of(impact["scale"], felt_lots(impact, ts_ns)))


@kernel(f8(record(IMPACT), i8, i8))
def average_fraction(impact: Any, ts_ns: int, signed_lots: int) -> float:
    """Impact at which lots (negative: sold) trade on the average if they are sent now, from the first to the last.

    Formula: ``scale * (F(u + q) - F(u)) / q`` with ``F(u) = 2/3 |u|^(3/2)``; without lots, the impact itself.
    """
    felt = felt_lots(impact, ts_ns)
    if signed_lots == 0:
        return float(fraction_of(impact["scale"], felt))
    after = felt + signed_lots
    area = abs(after) * math.sqrt(abs(after)) - abs(felt) * math.sqrt(abs(felt))
    return float(impact["scale"] * (2.0 / 3.0) * area / signed_lots)


@kernel(void(record(IMPACT), i8, i8))
def add_impact(impact: Any, ts_ns: int, signed_lots: int) -> None:
    """Bring the state to a time and add a trade of ours: lots positive if bought, negative if sold."""
    elapsed_s = max(ts_ns - impact["ts_ns"], 0) * _NS
    for part in range(impact["n_parts"]):
        kept = impact["felt"][part] * math.exp(-impact["rate"][part] * elapsed_s)
        impact["felt"][part] = kept + impact["weight"][part] * signed_lots
    impact["ts_ns"] = max(impact["ts_ns"], ts_ns)


@kernel(i8(record(IMPACT), i8, i8))
def moved_ticks(impact: Any, ts_ns: int, price_ticks: int) -> int:
    """Whole ticks, nearest, by which our trades have moved a price that would be ``price_ticks`` without them."""
    moved: float = impact_fraction(impact, ts_ns) * price_ticks
    return math.floor(moved + 0.5)

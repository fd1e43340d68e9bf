"""How long a letter takes: constant, log-normal or recorded, for feed, requests and reports apart."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot4.kernel import array, i8, kernel, record
from bot4.simulator.network.random_streams import RANDOM_STREAM, log_normal, uniform, whole_below, whole_ns
from bot4.simulator.network.state import CONSTANT, LATENCY, LOG_NORMAL, RECORDED, REPLAYED

NS_PER_MS = 1e6
_LAWS = {"constant": CONSTANT, "log_normal": LOG_NORMAL, "recorded": RECORDED, "replayed": REPLAYED}


class LatencySettings(BaseModel):
    """Latency of one direction: ``least + law + uniform jitter``.

    The law adds nothing (``constant``), ``median exp(sigma z)`` (``log_normal``), or one of the recorded latencies,
    drawn (``recorded``) or in their order (``replayed``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: Literal["constant", "log_normal", "recorded", "replayed"] = "constant"
    least_ms: float = Field(default=0.0, ge=0, le=3_600_000, description="what every letter takes, milliseconds")
    median_ms: float = Field(default=0.0, ge=0, le=3_600_000, description="median of the log-normal part, milliseconds")
    sigma: float = Field(default=0.0, ge=0, le=4, description="standard deviation of its logarithm")
    jitter_ms: float = Field(default=0.0, ge=0, le=3_600_000, description="uniform, from 0 to this, milliseconds")
    recorded_ns: tuple[int, ...] = Field(default=(), max_length=1_000_000, description="recorded latencies, ns")
    is_fifo: bool = Field(default=False, description="whether a letter waits for those sent before it")

    @model_validator(mode="after")
    def _has_what_its_law_needs(self) -> Self:
        if self.law in ("recorded", "replayed") and not self.recorded_ns:
            raise ValueError(f"{self.law} latencies need recorded_ns")
        if any(not 0 <= value <= 3_600_000_000_000 for value in self.recorded_ns):
            raise ValueError("recorded_ns lie between 0 and an hour")
        if self.law == "log_normal" and self.median_ms <= 0:
            raise ValueError("a log-normal latency needs median_ms above 0")
        return self


def write_latency(latency: Any, settings: LatencySettings, first_sample: int) -> npt.NDArray[np.int64]:
    """Write settings into a :data:`LATENCY` record; returns the samples that belong at ``first_sample``."""
    latency["law"] = _LAWS[settings.law]
    latency["least_ns"] = round(settings.least_ms * NS_PER_MS)
    latency["median_ns"] = settings.median_ms * NS_PER_MS
    latency["sigma"] = settings.sigma
    latency["jitter_ns"] = settings.jitter_ms * NS_PER_MS
    latency["is_fifo"] = int(settings.is_fifo)
    latency["first_sample"], latency["n_samples"] = first_sample, len(settings.recorded_ns)
    return np.asarray(settings.recorded_ns, dtype=np.int64)


@kernel(i8(record(LATENCY), record(RANDOM_STREAM), array(i8)))
def drawn_latency_ns(latency: Any, stream: Any, samples: Any) -> int:
    """Latency of the next letter of a direction, nanoseconds, whatever came before it."""
    passed = latency["least_ns"]
    if latency["law"] == LOG_NORMAL:
        passed += whole_ns(log_normal(stream, latency["median_ns"], latency["sigma"]))
    elif latency["law"] == RECORDED:
        passed += samples[latency["first_sample"] + whole_below(stream, latency["n_samples"])]
    elif latency["law"] == REPLAYED:
        passed += samples[latency["first_sample"] + latency["n_replayed"] % latency["n_samples"]]
        latency["n_replayed"] += 1
    if latency["jitter_ns"] > 0.0:
        passed += whole_ns(latency["jitter_ns"] * uniform(stream))
    return int(passed)


@kernel(i8(record(LATENCY), record(RANDOM_STREAM), array(i8), i8))
def arrival_ns(latency: Any, stream: Any, samples: Any, sent_ns: int) -> int:
    """When a letter sent now arrives; where the direction is first in, first out, not before those sent earlier."""
    arrival = sent_ns + drawn_latency_ns(latency, stream, samples)
    if latency["is_fifo"] != 0:
        arrival = max(arrival, latency["last_arrival_ns"])
        latency["last_arrival_ns"] = arrival
    return int(arrival)

"""Special functions that a likelihood needs inside a kernel."""

from __future__ import annotations

import math

from bot4.kernel import f8, kernel

_ASYMPTOTIC_FROM = 10.0


@kernel(f8(f8))
def digamma(x: float) -> float:
    """Derivative of ``log gamma`` for x above zero, to about 1e-15 absolute; NaN for NaN or below.

    Recurrence ``psi(x) = psi(x + 1) - 1 / x`` up to 10, then the asymptotic series (NIST DLMF 5.11.2).
    """
    if not x > 0.0:
        return math.nan
    shift = 0.0
    while x < _ASYMPTOTIC_FROM:
        shift -= 1.0 / x
        x += 1.0
    inverse = 1.0 / (x * x)
    series = inverse * (
        1.0 / 12.0
        - inverse
        * (
            1.0 / 120.0
            - inverse * (1.0 / 252.0 - inverse * (1.0 / 240.0 - inverse * (1.0 / 132.0 - inverse * 691.0 / 32760.0)))
        )
    )
    return shift + math.log(x) - 0.5 / x - series

"""Slots for the voices other than the technical one: learned models, order flow, sentiment.

Each arrives as an event with a time until which it holds. Until a voice has spoken, and again once its time
has passed, it is *absent*, which is not the same as neutral: fusion runs over the voices present.
"""

from __future__ import annotations

from typing import Any

from bot4.kernel import b1, f8, i8, kernel, record
from bot4.pipeline.state import BRAIN, N_VOICES


@kernel(b1(record(BRAIN), i8, i8, f8, f8, i8))
def set_voice(brain: Any, symbol: int, voice: int, direction: float, confidence: float, valid_until_ns: int) -> bool:
    """Let a voice speak on a symbol until ``valid_until_ns`` (inclusive).

    Args:
        brain: record of ``BRAIN``, changed.
        symbol, voice: ids; ``voice`` as ``TECHNICAL .. SENTIMENT``.
        direction: -1 (surely down) to 1 (surely up).
        confidence: 0 to 1.
        valid_until_ns: last instant at which it counts.

    Returns:
        Whether it was taken. A NaN, a number out of range or an unknown voice leaves the slot *absent*: what was
        said before no longer holds either.
    """
    if voice < 0 or voice >= N_VOICES:
        return False
    slot = brain["voices"][symbol, voice]
    is_sound = -1.0 <= direction <= 1.0 and 0.0 <= confidence <= 1.0
    slot["is_present"] = 1 if is_sound else 0
    slot["direction"] = direction if is_sound else 0.0
    slot["confidence"] = confidence if is_sound else 0.0
    slot["valid_until_ns"] = valid_until_ns if is_sound else 0
    return is_sound

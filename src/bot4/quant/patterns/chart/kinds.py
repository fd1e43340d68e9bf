"""The kinds of chart figure in words, for tables, help and the reference.

Each line of the table is a form as drawn, breaking upwards, and its mirror image. A kind's number is twice its form's,
plus one for the mirror image.
"""

from __future__ import annotations

from bot4.quant.patterns.detection import PatternKind

_EDWARDS_MAGEE = "Edwards & Magee, Technical Analysis of Stock Trends"
_BULKOWSKI = "Bulkowski, Encyclopedia of Chart Patterns"
_ONEIL = "O'Neil, How to Make Money in Stocks"

_MIRRORED_WORDS = {
    "low": "high", "lows": "highs", "lowest": "highest", "lower": "upper", "upwards": "downwards", "up": "down",
    "above": "below", "rise": "fall", "rising": "falling", "rises": "falls", "bottom": "top", "plus": "minus",
    "deepest": "highest", "climb": "drop",
}  # fmt: skip
_MIRRORED_WORDS |= {other: word for word, other in _MIRRORED_WORDS.items() if word != "deepest"}


def _mirrored(text: str) -> str:
    """The words of the figure upside down."""
    return "".join(_MIRRORED_WORDS.get(word, word) for word in _words(text))


def _words(text: str) -> list[str]:
    """Words and what stands between them, in turn."""
    parts: list[str] = []
    for character in text:
        if parts and character.isalpha() == parts[-1][-1].isalpha():
            parts[-1] += character
        else:
            parts.append(character)
    return parts


def _pair(
    names: tuple[str, str], definition: str, labels: str, target: str, invalidation: str, source: str
) -> tuple[PatternKind, PatternKind]:
    """A form that breaks upwards, and its mirror image."""
    direction = 0 if names[0] == names[1] else 1
    upright = PatternKind(names[0], direction, definition, tuple(labels.split()), target, invalidation, source)
    mirror_labels = tuple(_mirrored(label) for label in upright.labels)
    if direction == 0:
        return upright, PatternKind(names[1], 0, definition, mirror_labels, target, invalidation, source)
    words = (_mirrored(definition), mirror_labels, _mirrored(target), _mirrored(invalidation))
    return upright, PatternKind(names[1], -1, words[0], words[1], words[2], words[3], source)


_FORMS = (
    _pair(
        ("inverse_head_and_shoulders", "head_and_shoulders"),
        "after a fall three lows, the middle one the lowest, the outer two alike; the line through the highs between "
        "them is broken upwards",
        "start left_shoulder left_neck head right_neck right_shoulder break",
        "the neckline at the break plus the head's distance from it",
        "the right shoulder's low",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("double_bottom", "double_top"),
        "after a fall two lows at one level; the high between them is broken upwards",
        "start first_bottom neck second_bottom break",
        "the neck plus its distance from the lows",
        "the lowest low",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("triple_bottom", "triple_top"),
        "after a fall three lows at one level; the level of the highs between them is broken upwards",
        "start first_bottom first_neck second_bottom second_neck third_bottom break",
        "the neck plus its distance from the lows",
        "the lowest low",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("ascending_triangle", "descending_triangle"),
        "highs at one level and rising lows, five touches in turn; the level is broken upwards",
        "first_low first_high second_low second_high third_low break",
        "the break plus the width at the first touch",
        "the last low",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("symmetrical_triangle", "symmetrical_triangle"),
        "falling highs and rising lows that converge about a level middle, five touches in turn; one of the lines is "
        "broken",
        "first_low first_high second_low second_high third_low break",
        "the break plus, or minus if downwards, the width at the first touch",
        "the last touch of the other line",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("falling_wedge", "rising_wedge"),
        "highs and lows both falling, the highs faster, five touches in turn after a fall that enters the wedge; the "
        "upper line is broken upwards",
        "start first_low first_high second_low second_high third_low break",
        "where the upper line began",
        "the last low",
        _BULKOWSKI,
    ),
    _pair(
        ("bull_flag", "bear_flag"),
        "a steep rise, the pole, then a short channel of parallel lines that does not give half of it back; the upper "
        "line is broken upwards",
        "foot pole first_low first_high second_low break",
        "the break plus the pole's height",
        "the lowest low after the pole",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("bull_pennant", "bear_pennant"),
        "a steep rise, the pole, then converging lines about a level middle; the upper line is broken upwards",
        "foot pole first_low first_high second_low break",
        "the break plus the pole's height",
        "the lowest low after the pole",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("rectangle", "rectangle"),
        "highs at one level and lows at another, five touches in turn; one of the levels is broken",
        "first_low first_high second_low second_high third_low break",
        "the break plus, or minus if downwards, the distance of the levels",
        "the last touch of the other level",
        _EDWARDS_MAGEE,
    ),
    _pair(
        ("cup_and_handle", "inverse_cup_and_handle"),
        "a bowl between two highs at one level, then a smaller dip, the handle; the level is broken upwards",
        "left_rim bottom right_rim handle break",
        "the rim plus the cup's depth",
        "the handle's low",
        _ONEIL,
    ),
    _pair(
        ("rounding_bottom", "rounding_top"),
        "a bowl, price falling ever slower and then rising ever faster; the level where it began is broken upwards",
        "left_rim bottom break",
        "the rim plus the bowl's depth",
        "the bowl's low",
        _BULKOWSKI,
    ),
)

CHART_KINDS: tuple[PatternKind, ...] = tuple(kind for pair in _FORMS for kind in pair)
"""By number. ``symmetrical_triangle`` and ``rectangle``, which may break either way, stand twice, labels mirrored."""

__all__ = ["CHART_KINDS"]

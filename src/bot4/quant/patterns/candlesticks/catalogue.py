"""The 61 candlestick patterns: what each is called, what it says, and what it is.

The definitions are TA-Lib's, with its default candle settings. In the words used here a body is *long* if it is
greater than the average of the ten bodies before it, and *short* if it is less; a shadow is *long* if it exceeds the
body, *very long* if it exceeds twice the body, *short* if it is less than half the average of the ten pairs of shadows
before it, and *tiny* if it is less than a tenth of the average of the ten ranges before it; a body of that size
or less is a *doji*. Prices are *near* within a fifth, *far* beyond three fifths and *equal* within a twentieth of the
average of the five ranges before. A candle is *white* if it closes at its open or above, else *black*. Bodies *gap* if
they do not meet, candles if their shadows do not meet either.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot4.domain.errors import SettingError

REVERSAL, CONTINUATION, INDECISION = "reversal", "continuation", "indecision"
BULLISH, BEARISH, EITHER = "bullish", "bearish", "either"


@dataclass(frozen=True, slots=True)
class CandlestickPattern:
    """One row of the table of candlestick patterns.

    Attributes:
        name: how it is asked for.
        talib: TA-Lib's function.
        candles: candles that the pattern is made of, the last being the bar at whose close it is known.
        meaning: reversal, continuation or indecision.
        direction: bullish, bearish, or either, where the sign of the value says which unless ``definition`` says not.
        values: values other than 0 that it can have.
        warm_up: bars at the start at which it is always 0, as in TA-Lib.
        definition: what must hold; the first candle is the oldest.
        origin: who described it, where it is not one of the traditional Japanese ones.
    """

    name: str
    talib: str
    candles: int
    meaning: str
    direction: str
    values: tuple[int, ...]
    warm_up: int
    definition: str
    origin: str = "traditional"

    @property
    def source(self) -> str:
        """Where the definition and its thresholds come from."""
        return f"TA-Lib 0.8 {self.talib}, default candle settings; {self.origin}"


def _row(
    name: str, talib: str, candles: int, meaning: str, direction: str, values: str, warm_up: int, definition: str,
    origin: str = "traditional",
) -> CandlestickPattern:  # fmt: skip
    signed = tuple(int(value) for value in values.split())
    return CandlestickPattern(name, "CDL" + talib, candles, meaning, direction, signed, warm_up, definition, origin)


CANDLESTICKS: tuple[CandlestickPattern, ...] = (
    _row("two_crows", "2CROWS", 3, REVERSAL, BEARISH, "-100", 12,
         "long white; black whose body gaps up; black that opens within the second body and closes within the first"),
    _row("three_black_crows", "3BLACKCROWS", 3, REVERSAL, BEARISH, "-100", 13,
         "after a white candle three black ones with tiny lower shadows, each opening within the body before it and "
         "closing lower, the first below the white one's high"),
    _row("three_inside", "3INSIDE", 3, REVERSAL, EITHER, "-100 100", 12,
         "long; short within its body; third of the other colour that closes beyond the first one's open"),
    _row("three_line_strike", "3LINESTRIKE", 4, CONTINUATION, EITHER, "-100 100", 8,
         "three of one colour closing ever further, each opening within or near the body before; a fourth of the other "
         "colour that opens beyond them and closes beyond the first one's open"),
    _row("three_outside", "3OUTSIDE", 3, REVERSAL, EITHER, "-100 100", 3,
         "a body engulfed by one of the other colour; a third that closes further that way"),
    _row("three_stars_in_the_south", "3STARSINSOUTH", 3, REVERSAL, BULLISH, "100", 12,
         "black, long, with a long lower shadow; a smaller black one that opens within its range and keeps above its "
         "low, with a lower shadow; a short black one without shadows inside the second"),
    _row("three_white_soldiers", "3WHITESOLDIERS", 3, REVERSAL, BULLISH, "100", 12,
         "three white ones with tiny upper shadows closing ever higher, each opening within or near the body before, "
         "none far smaller than the one before, the last not short"),
    _row("abandoned_baby", "ABANDONEDBABY", 3, REVERSAL, EITHER, "-100 100", 12,
         "long; doji that gaps away, shadows included; third of the other colour, not short, that gaps back and closes "
         "more than 30% into the first body"),
    _row("advance_block", "ADVANCEBLOCK", 3, REVERSAL, BEARISH, "-100", 12,
         "three white ones closing higher, each opening within or near the body before, the first long with a short "
         "upper shadow, the later ones weaker: smaller bodies or long upper shadows"),
    _row("belt_hold", "BELTHOLD", 1, REVERSAL, EITHER, "-100 100", 10,
         "long body that opens at its extreme: white with a tiny lower shadow, or black with a tiny upper one"),
    _row("breakaway", "BREAKAWAY", 5, REVERSAL, EITHER, "-100 100", 14,
         "long; second of its colour whose body gaps on; two more that go on, highs and lows, the fourth of the same "
         "colour; a fifth of the other colour that closes within the gap"),
    _row("closing_marubozu", "CLOSINGMARUBOZU", 1, CONTINUATION, EITHER, "-100 100", 10,
         "long body that closes at its extreme: white with a tiny upper shadow, or black with a tiny lower one"),
    _row("concealing_baby_swallow", "CONCEALBABYSWALL", 4, REVERSAL, BULLISH, "100", 13,
         "four black ones: two without shadows; a third whose body gaps down, with an upper shadow into the second "
         "body; a fourth that engulfs the third, shadows included"),
    _row("counterattack", "COUNTERATTACK", 2, REVERSAL, EITHER, "-100 100", 11,
         "two long bodies of opposite colour with equal closes"),
    _row("dark_cloud_cover", "DARKCLOUDCOVER", 2, REVERSAL, BEARISH, "-100", 11,
         "long white; black that opens above its high and closes more than half into its body"),
    _row("doji", "DOJI", 1, INDECISION, EITHER, "100", 10,
         "open and close are as good as equal; the sign says nothing of direction"),
    _row("doji_star", "DOJISTAR", 2, REVERSAL, EITHER, "-100 100", 11,
         "long; doji whose body gaps on in its direction"),
    _row("dragonfly_doji", "DRAGONFLYDOJI", 1, REVERSAL, EITHER, "100", 10,
         "doji with a tiny upper shadow and a lower one that is not; the sign says nothing of direction"),
    _row("engulfing", "ENGULFING", 2, REVERSAL, EITHER, "-100 -80 80 100", 2,
         "a body that covers the body before, of the other colour; 80 where they share one end"),
    _row("evening_doji_star", "EVENINGDOJISTAR", 3, REVERSAL, BEARISH, "-100", 12,
         "long white; doji whose body gaps up; black, not short, that closes more than 30% into the first body"),
    _row("evening_star", "EVENINGSTAR", 3, REVERSAL, BEARISH, "-100", 12,
         "long white; short whose body gaps up; black, not short, that closes more than 30% into the first body"),
    _row("gap_side_by_side_white_lines", "GAPSIDESIDEWHITE", 3, CONTINUATION, EITHER, "-100 100", 7,
         "two white ones of near size and equal opens whose bodies both gap away from the first to the same side"),
    _row("gravestone_doji", "GRAVESTONEDOJI", 1, REVERSAL, EITHER, "100", 10,
         "doji with a tiny lower shadow and an upper one that is not; the sign says nothing of direction"),
    _row("hammer", "HAMMER", 2, REVERSAL, BULLISH, "100", 11,
         "short body, long lower and tiny upper shadow, body below or near the low before"),
    _row("hanging_man", "HANGINGMAN", 2, REVERSAL, BEARISH, "-100", 11,
         "short body, long lower and tiny upper shadow, body above or near the high before"),
    _row("harami", "HARAMI", 2, REVERSAL, EITHER, "-100 -80 80 100", 11,
         "long; short whose body lies within the long one's, against its colour; 80 where they share one end"),
    _row("harami_cross", "HARAMICROSS", 2, REVERSAL, EITHER, "-100 -80 80 100", 11,
         "long; doji whose body lies within the long one's, against its colour; 80 where they share one end"),
    _row("high_wave", "HIGHWAVE", 1, INDECISION, EITHER, "-100 100", 10,
         "short body with two very long shadows; the sign is the colour"),
    _row("hikkake", "HIKKAKE", 3, REVERSAL, EITHER, "-200 -100 100 200", 5,
         "an inside bar, then a bar that leaves it with both high and low; 200 at the first close within three bars "
         "beyond the inside bar's other end", "Daniel Chesler, 2003"),
    _row("modified_hikkake", "HIKKAKEMOD", 4, REVERSAL, EITHER, "-200 -100 100 200", 10,
         "two inside bars in succession, the first closing near the end that the next bar leaves by; 200 at the first "
         "close within three bars beyond the last inside bar's other end", "Daniel Chesler, 2003"),
    _row("homing_pigeon", "HOMINGPIGEON", 2, REVERSAL, BULLISH, "100", 11,
         "long black; short black whose body lies within it"),
    _row("identical_three_crows", "IDENTICAL3CROWS", 3, REVERSAL, BEARISH, "-100", 12,
         "three black ones with tiny lower shadows closing ever lower, each opening at the close before"),
    _row("in_neck", "INNECK", 2, CONTINUATION, BEARISH, "-100", 11,
         "long black; white that opens below its low and closes at its close or slightly above"),
    _row("inverted_hammer", "INVERTEDHAMMER", 2, REVERSAL, BULLISH, "100", 11,
         "short body that gaps down, long upper and tiny lower shadow"),
    _row("kicking", "KICKING", 2, REVERSAL, EITHER, "-100 100", 11,
         "two marubozu of opposite colour with a gap between them; the sign is the second one's colour"),
    _row("kicking_by_length", "KICKINGBYLENGTH", 2, REVERSAL, EITHER, "-100 100", 11,
         "two marubozu of opposite colour with a gap between them; the sign is the longer one's colour"),
    _row("ladder_bottom", "LADDERBOTTOM", 5, REVERSAL, BULLISH, "100", 14,
         "three black ones with ever lower opens and closes; a black one with an upper shadow; a white one that opens "
         "above its body and closes above its high"),
    _row("long_legged_doji", "LONGLEGGEDDOJI", 1, INDECISION, EITHER, "100", 10,
         "doji with a long shadow, or two; the sign says nothing of direction"),
    _row("long_line", "LONGLINE", 1, CONTINUATION, EITHER, "-100 100", 10,
         "long body with short shadows"),
    _row("marubozu", "MARUBOZU", 1, CONTINUATION, EITHER, "-100 100", 10,
         "long body with tiny shadows"),
    _row("matching_low", "MATCHINGLOW", 2, REVERSAL, BULLISH, "100", 6,
         "two black ones with equal closes"),
    _row("mat_hold", "MATHOLD", 5, CONTINUATION, BULLISH, "100", 14,
         "long white; black whose body gaps up; two more falling, all three short, none more than half into the first "
         "body; a white one that opens above the last close and closes above all their highs"),
    _row("morning_doji_star", "MORNINGDOJISTAR", 3, REVERSAL, BULLISH, "100", 12,
         "long black; doji whose body gaps down; white, not short, that closes more than 30% into the first body"),
    _row("morning_star", "MORNINGSTAR", 3, REVERSAL, BULLISH, "100", 12,
         "long black; short whose body gaps down; white, not short, that closes more than 30% into the first body"),
    _row("on_neck", "ONNECK", 2, CONTINUATION, BEARISH, "-100", 11,
         "long black; white that opens below its low and closes at that low"),
    _row("piercing", "PIERCING", 2, REVERSAL, BULLISH, "100", 11,
         "long black; long white that opens below its low and closes more than half into its body"),
    _row("rickshaw_man", "RICKSHAWMAN", 1, INDECISION, EITHER, "100", 10,
         "doji with two long shadows and the body near the middle; the sign says nothing of direction"),
    _row("rising_falling_three_methods", "RISEFALL3METHODS", 5, CONTINUATION, EITHER, "-100 100", 14,
         "long; three short ones of the other colour moving back within its range; a long one of its colour that opens "
         "beyond the last close and closes beyond the first"),
    _row("separating_lines", "SEPARATINGLINES", 2, CONTINUATION, EITHER, "-100 100", 11,
         "two of opposite colour with equal opens, the second a long belt hold"),
    _row("shooting_star", "SHOOTINGSTAR", 2, REVERSAL, BEARISH, "-100", 11,
         "short body that gaps up, long upper and tiny lower shadow"),
    _row("short_line", "SHORTLINE", 1, INDECISION, EITHER, "-100 100", 10,
         "short body with short shadows; the sign is the colour"),
    _row("spinning_top", "SPINNINGTOP", 1, INDECISION, EITHER, "-100 100", 10,
         "short body with two long shadows; the sign is the colour"),
    _row("stalled_pattern", "STALLEDPATTERN", 3, REVERSAL, BEARISH, "-100", 12,
         "two long white ones, the second with a tiny upper shadow, opening within or near the body before; a short "
         "white one that rides on the second one's shoulder; closes ever higher"),
    _row("stick_sandwich", "STICKSANDWICH", 3, REVERSAL, BULLISH, "100", 7,
         "black; white that trades above its close; black with an equal close"),
    _row("takuri", "TAKURI", 1, REVERSAL, BULLISH, "100", 10,
         "doji with a tiny upper and a very long lower shadow"),
    _row("tasuki_gap", "TASUKIGAP", 3, CONTINUATION, EITHER, "-100 100", 7,
         "a body that gaps on; a third of the other colour and of near size that opens within it, closes in the gap"),
    _row("thrusting", "THRUSTING", 2, CONTINUATION, BEARISH, "-100", 11,
         "long black; white that opens below its low and closes into its body, at most half way"),
    _row("tristar", "TRISTAR", 3, REVERSAL, EITHER, "-100 100", 12,
         "three doji, the second gapping away and the third not beyond it"),
    _row("unique_three_river", "UNIQUE3RIVER", 3, REVERSAL, BULLISH, "100", 12,
         "long black; black within its body with a lower low; short white that opens above that low"),
    _row("upside_gap_two_crows", "UPSIDEGAP2CROWS", 3, REVERSAL, BEARISH, "-100", 12,
         "long white; short black whose body gaps up; black that engulfs it and closes above the first close"),
    _row("gap_three_methods", "XSIDEGAP3METHODS", 3, CONTINUATION, EITHER, "-100 100", 2,
         "two of one colour with a gap between the bodies; a third of the other colour that opens in the second body "
         "and closes in the first"),
)  # fmt: skip
"""All of them, in TA-Lib's order, which is that of the rows of the kernels' output."""

(
    TWO_CROWS, THREE_BLACK_CROWS, THREE_INSIDE, THREE_LINE_STRIKE, THREE_OUTSIDE, THREE_STARS_IN_THE_SOUTH,
    THREE_WHITE_SOLDIERS, ABANDONED_BABY, ADVANCE_BLOCK, BELT_HOLD, BREAKAWAY, CLOSING_MARUBOZU,
    CONCEALING_BABY_SWALLOW, COUNTERATTACK, DARK_CLOUD_COVER, DOJI, DOJI_STAR, DRAGONFLY_DOJI, ENGULFING,
    EVENING_DOJI_STAR, EVENING_STAR, GAP_SIDE_BY_SIDE_WHITE_LINES, GRAVESTONE_DOJI, HAMMER, HANGING_MAN, HARAMI,
    HARAMI_CROSS, HIGH_WAVE, HIKKAKE, MODIFIED_HIKKAKE, HOMING_PIGEON, IDENTICAL_THREE_CROWS, IN_NECK,
    INVERTED_HAMMER, KICKING, KICKING_BY_LENGTH, LADDER_BOTTOM, LONG_LEGGED_DOJI, LONG_LINE, MARUBOZU, MATCHING_LOW,
    MAT_HOLD, MORNING_DOJI_STAR, MORNING_STAR, ON_NECK, PIERCING, RICKSHAW_MAN, RISING_FALLING_THREE_METHODS,
    SEPARATING_LINES, SHOOTING_STAR, SHORT_LINE, SPINNING_TOP, STALLED_PATTERN, STICK_SANDWICH, TAKURI, TASUKI_GAP,
    THRUSTING, TRISTAR, UNIQUE_THREE_RIVER, UPSIDE_GAP_TWO_CROWS, GAP_THREE_METHODS,
) = range(61)  # fmt: skip
"""Rows of the kernels' output."""

N_PATTERNS = len(CANDLESTICKS)
NAMES = tuple(pattern.name for pattern in CANDLESTICKS)
WARM_UPS = tuple(pattern.warm_up for pattern in CANDLESTICKS)


def pattern_named(name: str) -> CandlestickPattern:
    """The row of the table of a pattern, by its name or by TA-Lib's.

    Raises:
        SettingError: there is none of that name.
    """
    for pattern in CANDLESTICKS:
        if name in (pattern.name, pattern.talib):
            return pattern
    raise SettingError(
        f"unknown pattern {name!r}", where="candlestick patterns", remedy=f"known are {', '.join(NAMES)}"
    )

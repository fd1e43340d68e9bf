"""Which indicator answers which function of TA-Lib, each with TA-Lib's default parameters.

Functions of TA-Lib that are not here are its arithmetic on arrays (``ADD``, ``SIN``, ...), which NumPy has, and the
candlestick patterns, which have a benchmark of their own.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Shared(NamedTuple):
    """A function that both have.

    Attributes:
        indicator: name of the indicator.
        params: its parameters where its defaults are not TA-Lib's.
        outputs: columns of the indicator in TA-Lib's order; all of them if empty.
    """

    indicator: str
    params: dict[str, Any] = {}  # noqa: RUF012 - never changed
    outputs: tuple[str, ...] = ()


SIMPLE_WINDOWS = (
    "SMA", "WMA", "TRIMA", "SUM", "MAX", "MIN", "MINMAX", "MAXINDEX", "MININDEX", "MINMAXINDEX", "MIDPOINT", "MIDPRICE",
    "STDDEV", "VAR", "BBANDS", "LINEARREG", "LINEARREG_SLOPE", "LINEARREG_INTERCEPT", "LINEARREG_ANGLE", "TSF",
    "CORREL", "BETA", "AVGDEV", "DONCHIAN", "ACCBANDS", "WILLR", "AROON", "AROONOSC", "CCI",
)  # fmt: skip
"""What the last ``period`` bars alone decide, without any recursion."""

CYCLES = ("HT_DCPERIOD", "HT_DCPHASE", "HT_PHASOR", "HT_SINE", "HT_TRENDMODE")

SHARED = {
    "HT_DCPERIOD": Shared("dominant_cycle_period"),
    "HT_DCPHASE": Shared("dominant_cycle_phase"),
    "HT_PHASOR": Shared("phasor"),
    "HT_SINE": Shared("sine_wave"),
    "HT_TRENDMODE": Shared("trend_mode"),
    "MAX": Shared("max"),
    "MAXINDEX": Shared("max_index"),
    "MIN": Shared("min"),
    "MININDEX": Shared("min_index"),
    "MINMAX": Shared("min_max"),
    "MINMAXINDEX": Shared("min_max_index"),
    "SUM": Shared("sum"),
    "AC": Shared("accelerator_oscillator"),
    "ADX": Shared("adx"),
    "ADXR": Shared("adxr"),
    "AO": Shared("awesome_oscillator"),
    "APO": Shared("apo"),
    "AROON": Shared("aroon", {"period": 14}, ("down", "up")),
    "AROONOSC": Shared("aroon_oscillator", {"period": 14}),
    "BOP": Shared("balance_of_power"),
    "CCI": Shared("cci", {"period": 14}),
    "CMO": Shared("cmo"),
    "CMOU": Shared("cmo_unsmoothed"),
    "COPPOCK": Shared("coppock"),
    "DPO": Shared("dpo"),
    "DX": Shared("dx"),
    "ER": Shared("efficiency_ratio"),
    "ERI": Shared("elder_ray"),
    "FOSC": Shared("forecast_oscillator"),
    "IMI": Shared("imi"),
    "KDJ": Shared("kdj"),
    "MACD": Shared("macd"),
    "MACDEXT": Shared("macd_extended"),
    "MACDFIX": Shared("macd_fixed"),
    "MFI": Shared("mfi"),
    "MINUS_DI": Shared("minus_di"),
    "MINUS_DM": Shared("minus_dm"),
    "MOM": Shared("momentum"),
    "PLUS_DI": Shared("plus_di"),
    "PLUS_DM": Shared("plus_dm"),
    "PPO": Shared("ppo"),
    "QSTICK": Shared("qstick"),
    "FRACTAL": Shared("fractal"),
    "ROC": Shared("roc"),
    "ROCP": Shared("rocp"),
    "ROCR": Shared("rocr"),
    "ROCR100": Shared("rocr100"),
    "RSI": Shared("rsi"),
    "SMI": Shared("stochastic_momentum_index"),
    "STOCH": Shared("stochastic", {"period": 5}),
    "STOCHF": Shared("stochastic_fast", {"period": 5}),
    "STOCHRSI": Shared("stochastic_rsi", {"range": 5}),
    "TRIX": Shared("trix", {"period": 30}),
    "TSI": Shared("tsi"),
    "ULTOSC": Shared("ultimate_oscillator"),
    "VHF": Shared("vertical_horizontal_filter"),
    "VORTEX": Shared("vortex"),
    "WAD": Shared("williams_ad"),
    "WILLR": Shared("williams_r"),
    "ACCBANDS": Shared("acceleration_bands"),
    "BBANDS": Shared("bollinger", {}, ("upper", "middle", "lower")),
    "DEMA": Shared("dema", {"period": 30}),
    "DONCHIAN": Shared("donchian"),
    "EMA": Shared("ema", {"period": 30}),
    "HMA": Shared("hma", {"period": 20}),
    "HT_TRENDLINE": Shared("instantaneous_trendline"),
    "KAMA": Shared("kama", {"period": 30}),
    "KC": Shared("keltner_typical"),
    "MAMA": Shared("mama"),
    "MIDPOINT": Shared("midpoint"),
    "MIDPRICE": Shared("midprice"),
    "RMA": Shared("smma", {"period": 30}),
    "SAR": Shared("parabolic_sar", {}, ("sar",)),
    "SAREXT": Shared("parabolic_sar_extended"),
    "SMA": Shared("sma", {"period": 30}),
    "SUPERTREND": Shared("supertrend"),
    "T3": Shared("t3"),
    "TEMA": Shared("tema", {"period": 30}),
    "TRIMA": Shared("trima"),
    "VWMA": Shared("vwma", {"period": 30}),
    "WMA": Shared("wma", {"period": 30}),
    "ZLEMA": Shared("zlema", {"period": 30}),
    "AVGDEV": Shared("mean_absolute_deviation"),
    "AVGPRICE": Shared("average_price"),
    "HA": Shared("heikin_ashi"),
    "MEDPRICE": Shared("median_price"),
    "TYPPRICE": Shared("typical_price"),
    "WCLPRICE": Shared("weighted_close"),
    "BETA": Shared("beta"),
    "CORREL": Shared("correlation"),
    "LINEARREG": Shared("linear_regression"),
    "LINEARREG_ANGLE": Shared("linear_regression_angle"),
    "LINEARREG_INTERCEPT": Shared("linear_regression_intercept"),
    "LINEARREG_SLOPE": Shared("linear_regression_slope", {"period": 14}),
    "PERCENTILE": Shared("percentile"),
    "PERCENTRANK": Shared("percent_rank"),
    "STDDEV": Shared("standard_deviation", {"period": 5}),
    "TSF": Shared("linear_regression_forecast"),
    "VAR": Shared("variance", {"period": 5}),
    "ADR": Shared("average_daily_range"),
    "ATR": Shared("atr"),
    "CVI": Shared("chaikin_volatility"),
    "MASSI": Shared("mass_index"),
    "NATR": Shared("natr"),
    "RVI": Shared("relative_volatility_index"),
    "TRANGE": Shared("true_range"),
    "AD": Shared("ad_line"),
    "ADOSC": Shared("chaikin_oscillator"),
    "CMF": Shared("cmf"),
    "EFI": Shared("force_index"),
    "MARKETFI": Shared("market_facilitation_index"),
    "NVI": Shared("nvi"),
    "OBV": Shared("obv"),
    "PVI": Shared("pvi"),
    "PVO": Shared("pvo"),
    "PVT": Shared("pvt"),
    "RVOL": Shared("relative_volume"),
    "VWAP": Shared("anchored_vwap"),
}

"""All of the brain's state and configuration, as records: a snapshot is their bytes.

Three arrays go into every step: ``config`` (one :data:`CONFIG`, never changed by a step), ``brain`` (one
:data:`BRAIN`) and ``markets`` (one :data:`MARKET` a symbol). What a step emits goes to ``outbox`` (one
:data:`OUTBOX`), which the driver empties in time.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from bot4.domain.instruments import INSTRUMENT, MAX_SYMBOLS
from bot4.domain.orders import COMMAND, FILL, MAX_ORDERS, ORDER
from bot4.domain.portfolio import LEDGER, MAX_STRATEGIES, N_TARGETS, POSITION, SLEEVE, TRADE_RECORD
from bot4.quant.indicators.bank import BANK_ENTRY

STATE_VERSION = 1

N_FRAMES = 6
RING = 512
BLOCK = 64
N_COLUMNS = 128
N_INDICATOR_STATE = 8192
N_BANK_ENTRIES = 64
N_BANK_PARAMS = 256
N_STRATEGY_PARAMS = 32
N_STRATEGY_MEMORY = 64
N_STRATEGY_COLUMNS = 64
N_TECHNICAL_COLUMNS = 64
N_RECENT_TRADES = 256  # trade ids remembered of each symbol
N_SLOT_HINTS = 1024
N_HALTS = 16

FAMILIES = ("trend", "momentum", "volatility", "volume", "structure")  # of the technical voice
N_FAMILIES = 5
N_VOTES = 29

TECHNICAL, LEARNED, ORDER_FLOW, SENTIMENT = 0, 1, 2, 3
N_VOICES = 4

BULL, BEAR, SIDEWAYS, CRISIS = 0, 1, 2, 3
N_REGIMES = 4

HOLD, ENTER, LEAVE = 0, 1, 2  # a signal's action

NORMAL, REDUCED, PAUSED, EMERGENCY = 0, 1, 2, 3  # modes; only NORMAL takes new risk


class Regime(IntEnum):
    """State of the market as the filter sees it."""

    BULL = BULL
    BEAR = BEAR
    SIDEWAYS = SIDEWAYS
    CRISIS = CRISIS


class Mode(IntEnum):
    """What the brain may do."""

    NORMAL = NORMAL
    REDUCED = REDUCED
    PAUSED = PAUSED
    EMERGENCY = EMERGENCY


# Clamps, in their order.
VOLATILITY, VAR, CVAR, HEAT, CORRELATION, LEVERAGE, CRISIS_CUT, MINIMUM = 0, 1, 2, 3, 4, 5, 6, 7
CONCENTRATION = 8  # the cap on a symbol's loss, after the eight
N_CLAMPS = 9
CLAMP_NAMES = (
    "volatility", "var", "cvar", "heat", "correlation", "leverage", "crisis", "minimum_size", "concentration",
)  # fmt: skip

# Why new risk was refused; 0 is approval.
APPROVED = 0
BELOW_MINIMUM = 1
BAD_NUMBER = 2
STALE_DATA = 3
DRAWDOWN_STOP = 4
DAILY_LOSS_STOP = 5
MODE_FORBIDS = 6
SHORT_ON_SPOT = 7
OPPOSES_NET = 8
NO_SLOT = 9
NO_EDGE = 10
BELOW_TIER = 11
WARMING_UP = 12
POST_TRADE_CHECK = 13
NO_CASH = 14
NEEDS_RECONCILING = 15
ALREADY_IN = 16
BAD_STOP = 17
SUSPENDED = 18
REGIME_VETO = 19
LOW_CONFIDENCE = 20
ORDER_FLOW_VETO = 21
REFUSALS = (
    "approved", "below_minimum", "bad_number", "stale_data", "drawdown_stop", "daily_loss_stop", "mode_forbids",
    "short_on_spot", "opposes_net", "no_slot", "no_edge", "below_tier", "warming_up", "post_trade_check", "no_cash",
    "needs_reconciling", "already_in", "bad_stop", "suspended", "regime_veto", "low_confidence", "order_flow_veto",
)  # fmt: skip

STRATEGY = np.dtype(
    [
        ("address", "i8"),  # of its kernel; 0 for a strategy in Python, whose intents arrive as events
        ("is_active", "i4"),
        ("is_python", "i4"),
        ("uses_regime", "i4"),  # whether the regime filter may veto its entries
        ("uses_voices", "i4"),  # whether its signal is the technical voice, to be fused with the others
        ("n_columns", "i8"),
        ("columns", "i8", (N_STRATEGY_COLUMNS,)),  # where its indicators stand in a feature row
        ("params", "f8", (N_STRATEGY_PARAMS,)),
    ],
    align=True,
)

DECISION_CONFIG = np.dtype(
    [
        ("kelly_fraction", "f8", (N_REGIMES,)),
        ("kelly_cap", "f8", (N_REGIMES,)),
        ("prior_trades", "f8"),  # closed trades that the prior win rate of one half counts as
        ("min_confidence", "f8"),
        ("min_edge_r", "f8"),  # least expected gain of a trade, in units of its risk, net of costs
        ("conflict_ratio", "f8"),
        ("voice_prior", "f8", (N_VOICES,)),
        ("voice_low", "f8", (N_VOICES,)),
        ("voice_high", "f8", (N_VOICES,)),
        ("stop_atr", "f8"),  # distance of the volatility stop, in average true ranges
        ("stop_min_atr", "f8"),
        ("stop_min_costs", "f8"),  # in round-trip costs
        ("emergency_stop", "f8"),  # greatest loss of a position, as a fraction of the entry price
        ("trail_atr", "f8"),
        ("trail_after_r", "f8"),  # profit, in units of risk, from which the stop trails
        ("target_r", "f8", (N_TARGETS,)),
        ("target_share", "f8", (N_TARGETS,)),
        ("slippage", "f8"),  # expected, a fraction of the price, for costs in Kelly and stops
    ],
    align=True,
)

RISK_CONFIG = np.dtype(
    [
        ("volatility_target", "f8"),  # annual
        ("var_limit", "f8", (N_REGIMES,)),  # one day, 99%, fraction of equity
        ("cvar_multiple", "f8"),
        ("heat_limit", "f8"),
        ("correlation_limit", "f8"),
        ("leverage_limit", "f8"),  # gross notional over equity
        ("crisis_share", "f8"),
        ("symbol_loss_limit", "f8"),
        ("strategy_risk_limit", "f8"),
        ("sector_limit", "f8"),
        ("drawdown_stop", "f8"),
        ("daily_loss_stop", "f8"),
        ("max_data_age_ns", "i8"),
        ("min_equity", "f8"),
        ("garch_alpha", "f8"),
        ("garch_beta", "f8"),
        ("garch_df", "f8"),
        ("ewma_decay", "f8"),  # per risk bar
        ("correlation_decay", "f8"),
        ("liquidity_share", "f8"),  # share of a day's volume that an exit may take
        ("warm_up_risk_bars", "i8"),
        ("risk_bar_ns", "i8"),  # one hour, or the base interval where that is coarser
        ("bars_per_year", "f8"),  # risk bars
        ("var_quantile", "f8"),  # of the unit-variance Student t, positive
        ("cvar_quantile", "f8"),
        ("regime_mean", "f8", (N_REGIMES,)),  # of a risk bar's return, in units of its long-run deviation
        ("regime_deviation", "f8", (N_REGIMES,)),  # likewise
        ("regime_transition", "f8", (N_REGIMES, N_REGIMES)),  # per risk bar
        ("regime_persistence", "i8"),  # risk bars that a new regime must lead before it is taken
        ("crisis_volatility_ratio", "f8"),  # short over long volatility that declares a crisis
        ("crisis_volume_ratio", "f8"),
        ("crisis_correlation", "f8"),
    ],
    align=True,
)

TECHNICAL_CONFIG = np.dtype(
    [
        ("is_used", "i8"),  # whether some strategy of the run listens to the technical voice
        ("columns", "i8", (N_TECHNICAL_COLUMNS,)),  # where the indicators that vote stand in a feature row
        ("timeframe_weight", "f8", (N_FRAMES,)),
        ("family_weight", "f8", (N_FAMILIES,)),
        ("threshold", "f8"),  # least |score| that is a confluence
        ("strong_score", "f8"),  # |score| from which it no longer limits confidence
        ("min_coverage", "f8"),  # least share of timeframe weight that is warm
        ("obv_gain", "f8"),  # of the slow averages of on-balance volume, per bar of a timeframe
    ],
    align=True,
)

EXECUTION_CONFIG = np.dtype(
    [
        ("has_native_brackets", "i8"),  # the venue holds a bracket's children and lets them share one quantity
        ("answer_timeout_ns", "i8"),  # after which a command without an answer is of unknown outcome; 0: never
        ("validity_ns", "i8"),  # after which a command that has not reached the venue no longer can
        ("query_delay_ns", "i8"),  # before a query is repeated; doubles with every repetition
        ("query_delay_most_ns", "i8"),
        ("most_queries", "i8"),  # without an answer that settles it, before new risk halts
    ],
    align=True,
)

CONFIG = np.dtype(
    [
        ("n_symbols", "i8"),
        ("n_strategies", "i8"),
        ("n_assets", "i8"),
        ("quote_asset", "i8"),
        ("n_frames", "i8"),
        ("frame_factor", "i8", (N_FRAMES,)),
        ("base_interval_ns", "i8"),
        ("n_bank", "i8"),
        ("n_columns", "i8"),
        ("waits_for_intents", "i8"),  # a strategy in Python runs: decisions wait for a DECIDE event
        ("matches_trades", "i8", (MAX_SYMBOLS,)),  # the venue fills this symbol on trades, not on bars
        ("bank", BANK_ENTRY, (N_BANK_ENTRIES,)),
        ("bank_params", "f8", (N_BANK_PARAMS,)),
        ("atr_column", "i8"),  # -1 where the bank has none
        ("high_column", "i8"),  # Donchian channel, for support and resistance; -1 for none
        ("low_column", "i8"),
        ("instruments", INSTRUMENT, (MAX_SYMBOLS,)),
        ("strategies", STRATEGY, (MAX_STRATEGIES,)),
        ("decision", DECISION_CONFIG),
        ("risk", RISK_CONFIG),
        ("technical", TECHNICAL_CONFIG),
        ("execution", EXECUTION_CONFIG),
    ],
    align=True,
)

FRAME = np.dtype(
    [
        ("n_bars", "i8"),  # completed since the start
        ("n_rows", "i8"),  # feature rows 1..n_rows were computed in this block; row 0 is the latest before it
        ("bucket", "i8"),  # number of the bar in the making; meaningless while n_parts is 0
        ("n_parts", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "f8"),
        ("ts_open_ns", "i8"),
        ("ring", "f8", (6, RING)),
        ("indicator_state", "f8", (N_INDICATOR_STATE,)),
        ("features", "f8", (BLOCK + 1, N_COLUMNS)),
    ],
    align=True,
)

MARKET = np.dtype([("frames", FRAME, (N_FRAMES,))], align=True)

VIEW = np.dtype(
    [
        ("ts_ns", "i8"),
        ("symbol", "i4"),
        ("strategy", "i4"),
        ("position_lots", "i8"),  # of this strategy in this symbol, signed
        ("is_entering", "i4"),
        ("is_exiting", "i4"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "f8"),
        ("tick", "f8"),
        ("lot", "f8"),
        ("entry_price", "f8"),  # average, 0 when flat
        ("regime", "i8"),
        ("n_frames", "i8"),
        ("completed", "i8", (N_FRAMES,)),  # bars of each frame so far
        ("technical_score", "f8"),  # of the technical voice, -1 to 1; NaN where it does not speak
        ("technical_alignment", "f8"),  # 0 to 1
        ("technical_confidence", "f8"),  # 0 to 1
        ("is_confluent", "i8"),  # |score| is at the threshold or above
    ],
    align=True,
)

_SIGNAL_FIELDS = [
    ("action", "i8", 0),
    ("direction", "f8", 8),  # -1 to 1; its sign is the side of an entry
    ("confidence", "f8", 16),  # 0 to 1
    ("win_probability", "f8", 24),  # NaN: from closed trades
    ("fixed_lots", "i8", 32),  # 0: sized by Kelly
    ("stop_distance", "f8", 40),  # in price; NaN: by the stop rule; 0: no stop
    ("has_targets", "i8", 48),
    ("has_trail", "i8", 56),
    ("direction_bits", "i8", 8),  # the same bytes, for the running hash
    ("confidence_bits", "i8", 16),
]
SIGNAL = np.dtype(
    {
        "names": [name for name, _, _ in _SIGNAL_FIELDS],
        "formats": [code for _, code, _ in _SIGNAL_FIELDS],
        "offsets": [offset for _, _, offset in _SIGNAL_FIELDS],
        "itemsize": 64,
    }
)

PROPOSAL = np.dtype(
    [
        ("id", "i8"),
        ("ts_ns", "i8"),
        ("symbol", "i4"),
        ("strategy", "i4"),
        ("side", "i4"),
        ("regime", "i4"),
        ("edge", "f8"),  # expected gain in units of risk; decisions of one timestamp run by |edge|
        ("direction", "f8"),
        ("confidence", "f8"),
        ("win_probability", "f8"),
        ("payoff", "f8"),
        ("kelly", "f8"),  # fraction of equity lost at the stop, after fraction and cap
        ("qty_lots", "i8"),  # what decision asks for
        ("reference_ticks", "i8"),
        ("worst_ticks", "i8"),  # worst permitted fill
        ("stop_ticks", "i8"),  # 0 for none
        ("trail_ticks", "i8"),
        ("target_ticks", "i8", (N_TARGETS,)),  # 0 for none
    ],
    align=True,
)

DECISION = np.dtype(
    [
        ("proposal", PROPOSAL),
        ("approval_id", "i8"),  # 0 when refused
        ("approved_lots", "i8"),
        ("refusal", "i8"),
        ("binding_clamp", "i8"),  # index of the clamp that cut last, -1 for none
        ("lots_after", "i8", (N_CLAMPS,)),
        ("measure_before", "f8", (N_CLAMPS,)),
        ("measure_after", "f8", (N_CLAMPS,)),
        ("limit", "f8", (N_CLAMPS,)),
        ("equity", "f8"),
    ],
    align=True,
)

SYMBOL_RISK = np.dtype(
    [
        ("last_close", "f8"),  # latest price seen
        ("risk_close", "f8"),  # at the last risk bar
        ("bucket", "i8"),  # risk bar in the making
        ("n_returns", "i8"),
        ("last_return", "f8"),
        ("garch_variance", "f8"),  # forecast for the next risk bar
        ("long_variance", "f8"),  # slow average, to which GARCH reverts
        ("ewma_variance", "f8"),
        ("day_volume_quote", "f8"),  # slow average of a day's traded value
        ("bar_volume_quote", "f8"),  # of the risk bar in the making
        ("short_volume_quote", "f8"),
        ("ts_last_ns", "i8"),
    ],
    align=True,
)

RISK_STATE = np.dtype(
    [
        ("symbols", SYMBOL_RISK, (MAX_SYMBOLS,)),
        ("covariance", "f8", (MAX_SYMBOLS, MAX_SYMBOLS)),  # EWMA of standardised returns
        ("regime_probability", "f8", (N_REGIMES,)),
        ("regime", "i8"),
        ("regime_candidate", "i8"),
        ("regime_lead", "i8"),
        ("is_crisis", "i8"),
        ("n_risk_bars", "i8"),
        ("bucket", "i8"),
        ("peak_equity", "f8"),
        ("drawdown", "f8"),
        ("max_drawdown", "f8"),
        ("day", "i8"),
        ("day_start_equity", "f8"),
        ("is_drawdown_stopped", "i8"),
        ("is_day_stopped", "i8"),
    ],
    align=True,
)

VOICE_STATE = np.dtype(
    [
        ("is_present", "i8"),
        ("direction", "f8"),
        ("confidence", "f8"),
        ("valid_until_ns", "i8"),
    ],
    align=True,
)

TECHNICAL_FRAME = np.dtype(
    [
        ("completed", "i8"),  # bars of the timeframe when it was last looked at; 0: never
        ("obv_mean", "f8"),  # slow averages of the on-balance volume and of its distance from its average
        ("obv_spread", "f8"),
        ("damper", "f8"),  # what volatility leaves of every strength, above 0 to 1
        ("families", "f8", (N_FAMILIES,)),  # strengths, -1 to 1; NaN until warm
        ("strength", "f8"),  # of the whole timeframe, -1 to 1; NaN until warm
    ],
    align=True,
)

CONFLUENCE = np.dtype(
    [
        ("n_warm", "i8"),
        ("coverage", "f8"),  # share of timeframe weight that is warm
        ("score", "f8"),  # -1 to 1; NaN where the voice does not speak
        ("alignment", "f8"),  # share of the weighted strength that is on the side of the score
        ("confidence", "f8"),
        ("is_confluent", "i8"),
        ("contributions", "f8", (N_FRAMES, N_FAMILIES)),  # their sum, in this order, is the score
    ],
    align=True,
)

TECHNICAL_STATE = np.dtype(
    [("frames", TECHNICAL_FRAME, (N_FRAMES,)), ("confluence", CONFLUENCE)],
    align=True,
)

STRATEGY_STATE = np.dtype(
    [
        ("n_trades", "i8"),
        ("n_wins", "i8"),
        ("realised_quote", "f8"),
        ("is_suspended", "i8"),
        ("voice_weight", "f8", (N_VOICES,)),
    ],
    align=True,
)

ORDER_CARE = np.dtype(
    [
        ("waits", "i8"),  # bits: commands about the order that have no answer yet
        ("unknown", "i8"),  # of these, the ones whose outcome is unknown
        ("ts_place_ns", "i8"),  # when the latest command of each kind was sent
        ("ts_cancel_ns", "i8"),
        ("ts_replace_ns", "i8"),
        ("ts_replaced_ns", "i8"),  # time of the latest confirmation, by which its duplicate is known
        ("wanted_lots", "i8"),  # what a replacement on its way asks for
        ("wanted_limit_ticks", "i8"),
        ("wanted_stop_ticks", "i8"),
        ("wants_cancel", "i4"),  # it is to end: the cancel is sent again where one came to nothing
        ("is_triggered", "i4"),
        ("is_asking", "i4"),  # the venue is being asked about it
        ("is_disputed", "i4"),  # it filled after its end, and the venue has not confirmed that yet
        ("is_given_up", "i4"),  # its queries were used up once: new risk was halted for it
        ("is_reached", "i4"),  # a target kept locally whose price was traded
        ("n_asked", "i8"),  # queries since it was last settled
        ("ts_asked_ns", "i8"),  # the latest
        ("ts_due_ns", "i8"),  # when to look at it next; 0: nothing is due
        ("venue_filled_lots", "i8"),  # the most that the venue has said to have filled
        ("told_status", "i8"),  # how the venue says that it ended, while some of its fills are missing
    ],
    align=True,
)

TRADE_MEMORY = np.dtype(
    [
        ("n_ids", "i8"),
        ("floor_id", "i8"),  # ids up to this one are no longer told apart: none of them is booked
        ("ids", "i8", (N_RECENT_TRADES,)),  # the greatest seen, rising
    ],
    align=True,
)

HALT = np.dtype([("ts_ns", "i8"), ("reason", "i8"), ("order_id", "i8"), ("symbol", "i8")], align=True)

BRAIN = np.dtype(
    [
        ("version", "i8"),
        ("ts_ns", "i8"),
        ("n_events", "i8"),
        ("n_bars", "i8"),
        ("n_clamped", "i8"),  # decisions that reached the clamps
        ("mode", "i8"),
        ("is_halted", "i8"),  # an inconsistency was seen: no new risk until reconciled
        ("next_order_id", "i8"),
        ("next_approval_id", "i8"),
        ("next_decision_id", "i8"),
        ("next_trade_id", "i8"),
        ("n_fills", "i8"),
        ("n_halts", "i8"),  # what halted new risk since the books were last reconciled, lifted ones not counted
        ("halts", HALT, (N_HALTS,)),  # the first of these and the latest
        ("trade_memory", TRADE_MEMORY, (MAX_SYMBOLS,)),  # of the venue's trade ids, so that none is booked twice
        ("n_duplicates", "i8"),  # fills told again
        ("n_late", "i8"),  # reports about orders that finished long ago
        ("n_carried", "i8"),  # remainders that the venue would not trade: times one was found
        ("decision_hash", "i8"),  # running hash over every signal, holds included
        ("equity", "f8"),
        ("initial_equity", "f8"),
        ("ts_sampled_ns", "i8"),
        ("observed_bars", "i8", (MAX_SYMBOLS,)),
        ("block_size", "i8"),  # events observed together
        ("block_at", "i8"),  # of these, how many were applied
        ("block_rows", "i8", (BLOCK, N_FRAMES)),  # feature row of each observed event, by frame
        ("symbol_rows", "i8", (MAX_SYMBOLS, N_FRAMES)),  # the same, of each symbol's latest applied bar
        ("is_due", "i8", (MAX_SYMBOLS,)),  # a bar arrived at this timestamp and awaits its decision
        ("bars", "i8", (MAX_SYMBOLS, 6)),  # latest bar: open, high, low, close in ticks, time known, time opened
        ("bar_volume", "f8", (MAX_SYMBOLS,)),
        ("intents", SIGNAL, (MAX_STRATEGIES, MAX_SYMBOLS)),  # of strategies in Python, for this timestamp
        ("memory", "f8", (MAX_STRATEGIES, MAX_SYMBOLS, N_STRATEGY_MEMORY)),
        ("technical", TECHNICAL_STATE, (MAX_SYMBOLS,)),
        ("voices", VOICE_STATE, (MAX_SYMBOLS, N_VOICES)),
        ("strategies", STRATEGY_STATE, (MAX_STRATEGIES,)),
        ("positions", POSITION, (MAX_SYMBOLS,)),
        ("sleeves", SLEEVE, (MAX_STRATEGIES, MAX_SYMBOLS)),
        ("ledger", LEDGER),
        ("orders", ORDER, (MAX_ORDERS,)),
        ("n_slots", "i8"),  # slots at or above this were never used
        ("care", ORDER_CARE, (MAX_ORDERS,)),  # of each slot's order: what is awaited of the venue
        ("slot_hints", "i8", (N_SLOT_HINTS,)),  # where an order probably is, by its id
        ("ts_care_ns", "i8"),  # when some order wants looking at; 0: none does
        ("risk", RISK_STATE),
        ("refusals", "i8", (len(REFUSALS),)),
        ("clamp_bound", "i8", (N_CLAMPS,)),
        # scratch of one step, kept here so that a step allocates nothing
        ("view", VIEW),
        ("signal", SIGNAL),
        ("proposals", PROPOSAL, (MAX_STRATEGIES * MAX_SYMBOLS,)),
        ("decision", DECISION),
        ("trade", TRADE_RECORD),
        ("forgotten", ORDER),  # names an order that the table no longer holds
        ("proposal", PROPOSAL),
        ("weights", "f8", (MAX_SYMBOLS,)),
        ("bank_out", "f8", (N_COLUMNS, BLOCK)),
        ("rows", "f8", (N_FRAMES, N_COLUMNS)),
        ("votes", "f8", (N_VOTES,)),
    ],
    align=True,
)

SAMPLE = np.dtype([("ts_ns", "i8"), ("equity", "f8"), ("exposure", "f8")], align=True)

N_COMMANDS = 1024
N_DECISIONS = 512
N_FILLS = 512
N_TRADES = 512
N_SAMPLES = 1024

OUTBOX = np.dtype(
    [
        ("n_commands", "i8"),
        ("n_decisions", "i8"),
        ("n_fills", "i8"),
        ("n_trades", "i8"),
        ("n_samples", "i8"),
        ("n_sent", "i8"),  # of the commands, how many the venue was given
        ("n_tape", "i8"),  # records on the driver's tape
        ("n_overflowed", "i8"),  # records that found no room: always 0, or the run halts
        ("commands", COMMAND, (N_COMMANDS,)),
        ("decisions", DECISION, (N_DECISIONS,)),
        ("fills", FILL, (N_FILLS,)),
        ("trades", TRADE_RECORD, (N_TRADES,)),
        ("samples", SAMPLE, (N_SAMPLES,)),
    ],
    align=True,
)

from pathlib import Path

import pytest

from bot4.adapters.storage.file_names import interval_from_name, same_symbol, symbol_from_name
from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS


@pytest.mark.parametrize(
    ("name", "symbol", "interval_ns"),
    [
        ("BTCUSDT_1h_20170817_20200919.parquet", "BTCUSDT", HOUR_NS),
        ("BTC_USDT-5m.feather", "BTCUSDT", 5 * MINUTE_NS),
        ("BTC_USDT_USDT-5m-futures.feather", "BTCUSDT_PERP", 5 * MINUTE_NS),
        ("BTCUSDT-1m-2025-05.csv", "BTCUSDT", MINUTE_NS),
        ("BTCUSDT-1m-2025-05-01.csv.gz", "BTCUSDT", MINUTE_NS),
        ("1000PEPEUSDT-1d-2025-05.zip", "1000PEPEUSDT", DAY_NS),
        ("BTCUSDT_PERP_binance_5m_20250101.parquet", "BTCUSDT_PERP", 5 * MINUTE_NS),
        ("BTC_USD_cmc_1d_20100713_20191231.parquet", "BTCUSD", DAY_NS),
        ("BTCUSDT-aggTrades-2025-05.csv", "BTCUSDT", None),
        ("binance_spot_XRP_ETH_trades.parquet", "XRPETH", None),
        ("ETHUSDT.parquet", "ETHUSDT", None),
        ("panel12_4h_2020_2023.parquet", None, 4 * HOUR_NS),
        ("data.csv", None, None),
    ],
)
def test_symbol_and_interval_are_told_from_the_names_that_files_have(name, symbol, interval_ns):
    assert symbol_from_name(Path("/some/folder") / name) == symbol
    assert interval_from_name(Path(name)) == interval_ns


def test_spellings_of_one_instrument_are_the_same_and_a_perpetual_is_another():
    assert same_symbol("BTC/USDT", "BTCUSDT")
    assert same_symbol("btc-usdt", "BTC_USDT")
    assert same_symbol("BTC/USDT:USDT", "BTCUSDT_PERP")
    assert not same_symbol("BTC/USDT:USDT", "BTCUSDT")

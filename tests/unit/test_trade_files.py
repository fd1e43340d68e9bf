import json

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.trade_files import read_trades
from bot4.domain.errors import DataError

START_MS = 1_746_057_600_000


def test_binance_trades_without_header_take_the_aggressor_from_the_maker_flag(tmp_path):
    path = tmp_path / "BTCUSDT-trades-2025-05-01.csv"
    path.write_text(
        f"11,100.5,0.25,25.125,{START_MS * 1000},True,True\n12,100.6,0.5,50.3,{START_MS * 1000 + 7},False,True\n"
    )
    trades = read_trades(path)
    assert trades.symbol == "BTCUSDT"
    assert trades.ts_ns.tolist() == [START_MS * 10**6, START_MS * 10**6 + 7000]
    assert trades.price.tolist() == [100.5, 100.6]
    assert trades.quantity.tolist() == [0.25, 0.5]
    assert trades.aggressor.tolist() == [-1, 1], "the buyer was the maker: the seller took"


@pytest.mark.parametrize("is_best_match", ["", ",true"], ids=["futures", "spot"])
def test_binance_aggregated_trades_without_header_are_told_by_their_shape(tmp_path, is_best_match):
    path = tmp_path / "BTCUSDT-aggTrades-2025-05-01.csv"
    path.write_text(
        f"5,100.5,0.25,1,3,{START_MS},false{is_best_match}\n6,100.6,0.5,4,4,{START_MS + 1},true{is_best_match}\n"
    )
    trades = read_trades(path)
    assert trades.quantity.tolist() == [0.25, 0.5]
    assert trades.ts_ns.tolist() == [START_MS * 10**6, (START_MS + 1) * 10**6]
    assert trades.aggressor.tolist() == [1, -1]


def test_binance_futures_trades_with_header_are_read(tmp_path):
    path = tmp_path / "BTCUSDT-trades-2025-05.csv"
    path.write_text(f"id,price,qty,quote_qty,time,is_buyer_maker\n1,100.5,0.25,25.1,{START_MS},true\n")
    assert read_trades(path).aggressor.tolist() == [-1]


def test_freqtrade_trades_are_read(tmp_path):
    path = tmp_path / "XRP_ETH-trades.json"
    path.write_text(
        json.dumps([[START_MS, "9", None, "sell", 0.0014, 23.0, 0.03], [START_MS, "10", None, "buy", 0.0015, 1.0, 0.1]])
    )
    trades = read_trades(path)
    assert trades.symbol == "XRPETH"
    assert trades.aggressor.tolist() == [-1, 1]
    assert trades.quantity.tolist() == [23.0, 1.0]


def test_trades_alike_in_everything_are_kept(tmp_path):
    path = tmp_path / "BTCUSDT_trades.parquet"
    pl.DataFrame({"ts": [START_MS] * 3, "price": [1.0] * 3, "amount": [2.0] * 3}).write_parquet(path)
    trades = read_trades(path)
    assert len(trades) == 3
    assert trades.aggressor.tolist() == [0, 0, 0], "without a side it is unknown"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": [1.0, -2.0, 3.0]}, "row 2 (2025-05-01T00:00:00.001Z): price -2 is not above zero"),
        ({"price": [1.0, None, 3.0]}, "price nan is not above zero"),
        ({"amount": [1.0, 2.0, 0.0]}, "row 3"),
        ({"side": ["buy", "hold", "sell"]}, "column 'side', row 2: 'hold' is no side"),
        ({"ts": [START_MS, START_MS + 2, START_MS + 1]}, "row 3 (2025-05-01T00:00:00.001Z): the trade is earlier"),
    ],
)
def test_a_trade_that_cannot_be_used_is_refused_at_its_row(tmp_path, changes, expected):
    columns = {
        "ts": [START_MS + row for row in range(3)], "price": [1.0, 2.0, 3.0], "amount": [1.0, 1.0, 1.0],
        "side": ["buy", "sell", "buy"],
    }  # fmt: skip
    path = tmp_path / "BTCUSDT_trades.parquet"
    pl.DataFrame({**columns, **changes}).write_parquet(path)
    with pytest.raises(DataError) as caught:
        read_trades(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


def test_quotes_are_no_trades(tmp_path):
    path = tmp_path / "BTCUSDT_quotes.parquet"
    pl.DataFrame({"ts": [START_MS], "bid": [1.0], "ask": [2.0]}).write_parquet(path)
    with pytest.raises(DataError, match="no column for price, quantity"):
        read_trades(path)


def test_a_file_of_several_symbols_needs_a_name(tmp_path):
    path = tmp_path / "trades.parquet"
    pl.DataFrame(
        {"ts": [START_MS] * 2, "price": [1.0, 2.0], "amount": [1.0] * 2, "symbol": ["BTC/USDT", "ETH/USDT"]}
    ).write_parquet(path)
    with pytest.raises(DataError, match="it holds BTC/USDT, ETH/USDT"):
        read_trades(path)
    assert np.array_equal(read_trades(path, "ETHUSDT").price, [2.0])

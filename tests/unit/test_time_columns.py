from datetime import date

import polars as pl
import pytest

from bot4.adapters.storage.time_columns import utc_ns
from bot4.domain.errors import DataError, UsageError
from bot4.quant.series.time_grid import infer_interval_ns, interval_name, parse_interval, utc_text

SECOND = 1_762_795_433


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([SECOND + 0.9717445, SECOND + 1.5], [SECOND * 10**9 + 971_744_000, SECOND * 10**9 + 1_500_000_000]),
        ([SECOND * 1e3 + 0.25, SECOND * 1e3 + 0.5], [SECOND * 10**9 + 250_000, SECOND * 10**9 + 500_000]),
        ([f"{SECOND}.25", f"{SECOND}.5"], [SECOND * 10**9 + 250_000_000, SECOND * 10**9 + 500_000_000]),
    ],
    ids=["seconds", "milliseconds", "text"],
)
def test_a_number_with_a_fraction_is_read_to_the_microsecond(values, expected):
    read = utc_ns(pl.Series("t", values), "f").tolist()
    assert [abs(a - b) <= 1000 for a, b in zip(read, expected, strict=True)] == [True, True]
    assert all(ns % 1000 == 0 for ns in read)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series("t", [True, False]), "holds Boolean, which is no time"),
        (pl.Series("t", [float("nan"), 1.7e9]), "row 1: the time is not a number"),
        (pl.Series("t", [1.7e9, float("inf")]), "row 2: the time is not a number"),
        (pl.Series("t", [date(2024, 1, 1), date(3024, 1, 1)]), "row 2: the time 384965 lies outside 1678-2262"),
        (pl.Series("t", [99_999_999_999]), "lies outside 1678-2262"),
        (pl.Series("t", ["2025-05-01", "2025-05-32"]), "row 2: the time '2025-05-32' cannot be read"),
        (pl.Series("t", ["2025-05-01T00:00Z", None]), "row 2: the time is missing"),
    ],
)
def test_what_is_no_time_is_refused_by_column_and_row(column, expected):
    with pytest.raises(DataError) as caught:
        utc_ns(column, "some.csv")
    assert str(caught.value).startswith("some.csv: column 't'")
    assert expected in str(caught.value)


def test_equal_offsets_written_differently_are_one_zone():
    read = utc_ns(pl.Series("t", ["2025-05-01T00:00Z", "2025-05-01T00:01+00:00", "2025-05-01 00:02 UTC"]), "f")
    assert [utc_text(ns) for ns in read.tolist()] == ["2025-05-01T00:00Z", "2025-05-01T00:01Z", "2025-05-01T00:02Z"]


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "-1h", "1M", "1.5h", "1y"])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(UsageError):
        parse_interval(text)


def test_an_interval_below_a_second_is_named_in_nanoseconds():
    assert interval_name(250_000_000) == "250000000ns"


def test_the_interval_is_the_most_frequent_step_and_the_smallest_of_equals():
    assert infer_interval_ns(pl.Series([0, 1, 2, 5, 6, 9]).to_numpy()) == 1
    assert infer_interval_ns(pl.Series([0, 2, 4, 5, 6, 7, 17]).to_numpy()) == 1
    assert infer_interval_ns(pl.Series([0, 3, 5, 8, 10]).to_numpy()) == 2

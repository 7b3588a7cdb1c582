"""Price files: any sensible CSV."""

from decimal import Decimal
from pathlib import Path

import pytest

from node.prices.bars import PricesError, read_bars


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "p.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,open,high,low,close,volume\n2022-01-01 00:00:00.000000,1,3,1,2.5,9\n2022-01-01 00:01:00,2,3,1,3,9\n",
        "time;price\n1640995200;2.5\n1640995260;3\n",
        "Open_Time,Close\n1640995200000,2.5\n1640995260000,3\n",
        "\ufeffDate\tClose\n2022-01-01T00:00:00Z\t2.5\n2022-01-01T00:01:00+00:00\t3\n",
        "close,t\n3,1640995260000000\n2.5,1640995200000000\n\n",
        "p,ts\n2.5,1640995200000000000\n3,1640995260000000000\n",
    ],
)
def test_usual_files_are_understood_as_they_are(tmp_path: Path, text: str) -> None:
    bars = read_bars(file(tmp_path, text))
    assert [bar.price for bar in bars] == [Decimal("2.5"), Decimal("3")]
    assert bars[0].time_s == 1640995200
    assert bars[1].time_s - bars[0].time_s == 60


def test_columns_can_be_named_or_numbered(tmp_path: Path) -> None:
    path = file(tmp_path, "when,bid,ask\n10,1,2\n20,3,4\n")
    assert [bar.price for bar in read_bars(path, "when", "ask")] == [2, 4]
    headless = file(tmp_path, "10,1,2\n20,3,4\n")
    assert [bar.price for bar in read_bars(headless, "1", "3")] == [2, 4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("time,price\n", "fewer than two"),
        ("time,price\n1,2\n1,3\n", "fewer than two"),
        ("time,price\n1,2\n2,zero\n", r"line 3.*not a price"),
        ("time,price\n1,2\n2,-3\n", r"line 3.*not a price"),
        ("time,price\nsoon,2\n", r"line 2.*not a time"),
        ("time,price\n1\n", r"line 2.*too few"),
        ("a,b\n1,2\n", "call it timestamp"),
        ("time,b\n1,2\n", "call it close"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PricesError, match=said):
        read_bars(file(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match="none"):
        read_bars(tmp_path / "none.csv")

"""One line of text between feeder and engine: what goes in comes out, and nothing else gets in."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.prices.observation import (
    FEEDS_MAX,
    LINE_BYTES_MAX,
    PILLARS_MAX,
    MalformedError,
    Observation,
    Pillar,
    decode,
    encode,
)

symbols = st.from_regex(r"[A-Z0-9]{1,12}/USD", fullmatch=True)
prices = st.decimals("0.000001", "1000000", places=6).map(lambda price: price.normalize())
pillars = st.lists(
    st.builds(Pillar, st.integers(1, 2**62), prices, st.lists(prices, min_size=7, max_size=7).map(tuple)),
    max_size=4, unique_by=lambda pillar: pillar.expiry_ns,
).map(lambda found: tuple(sorted(found)))


@settings(max_examples=30)
@given(st.builds(Observation, st.integers(1, 2**62), st.dictionaries(symbols, prices, max_size=5),
                 st.dictionaries(symbols, pillars, max_size=3)))
def test_what_was_seen_comes_over_as_it_was(seen: Observation) -> None:
    line = encode(seen)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == seen


def test_numbers_are_plain_text_however_fine() -> None:
    seen = Observation(1, {"A/USD": Decimal("1E+5"), "B/USD": Decimal(2) / 3, "C/USD": Decimal("1.23E-11")})
    text = json.loads(encode(seen))["prices"]
    assert text == {"A/USD": "100000", "B/USD": "0.666666666666667", "C/USD": "0.0000000000123"}


def test_zero_is_as_good_as_nothing() -> None:
    assert decode(encode(Observation(1, {"A/USD": Decimal(0), "B/USD": Decimal(2)}))).prices == {"B/USD": 2}


def document(**changes: object) -> bytes:
    return json.dumps({"time_ns": 1, "prices": {"BTC/USD": "1"}, "pillars": {}} | changes).encode()


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_fail(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(data)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b"[" * (LINE_BYTES_MAX - 1),
        document(time_ns="1"), document(time_ns=0), document(time_ns=True), document(time_ns=1 << 63),
        document(more=1),
        document(prices=[]), document(prices={"BTC/USD": 1}), document(prices={"BTC/USD": "-1"}),
        document(prices={"BTC/USD": "NaN"}), document(prices={"BTC/USD": "1e5"}),
        document(prices={"BTC/USD": "1e99999"}), document(prices={"BTC/USD": " 1"}),
        document(prices={"BTC/USD": "1" * 25}), document(prices={"BTC": "1"}),
        document(prices={"BTC/USD": None}), document(prices={"<b>/USD": "1"}),
        document(prices={f"A{index}/USD": "1" for index in range(FEEDS_MAX + 1)}),
        document(pillars={"BTC/USD": 1}), document(pillars={"BTC/USD": [[1, "1"]]}),
        document(pillars={"BTC/USD": [[1, "1", ["1"] * 6]]}), document(pillars={"BTC/USD": [[1, "1", "1234567"]]}),
        document(pillars={"BTC/USD": [[2, "1", ["1"] * 7], [1, "1", ["1"] * 7]]}),
        document(pillars={"BTC/USD": [[1 + index, "1", ["1"] * 7] for index in range(PILLARS_MAX + 1)]}),
        b'{"time_ns":' + b"9" * 5_000 + b',"prices":{},"pillars":{}}',
    ],
)  # fmt: skip
def test_malformed_lines_are_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(line)

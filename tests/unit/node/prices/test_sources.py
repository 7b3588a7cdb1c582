"""From the words of novation.toml to feeds: every kind of source, rates between quotes, mistakes named."""

from decimal import Decimal
from pathlib import Path

import pytest

from node.prices.aggregate import Quote
from node.prices.bars import PricesError
from node.prices.exchanges import Exchanges
from node.prices.sources import Feed, SourceError, build_feeds, prices_of
from node.settings import FeedSettings, PricesSettings

SECOND_NS = 10**9
NOW_NS = 1_000 * SECOND_NS


class Said(Exchanges):
    """Exchanges that say what the test has put in."""

    def __init__(self, **quotes: Quote) -> None:
        super().__init__()
        self.said = {name.replace("_", ":").replace("x", "/"): quote for name, quote in quotes.items()}

    def ask(self, name: str, pair: str) -> object:  # type: ignore[override]
        return lambda _: self.said.get(f"{name}:{pair}")


def quote(price: str, age_s: int = 0) -> Quote:
    return Quote(Decimal(price), NOW_NS - age_s * SECOND_NS)


def build(*feeds: FeedSettings, exchanges: Exchanges | None = None, **settings: object) -> list[Feed]:
    return build_feeds(PricesSettings(**settings), list(feeds), exchanges or Exchanges())


def test_models_are_functions_of_the_time_since_the_common_start(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,price\n0,10\n60,70\n")
    feeds = build(
        FeedSettings("A/USD", [f"replay:{tmp_path / 'p.csv'}"]), FeedSettings("B/USD", ["walk:46000"]),
        FeedSettings("C/USD", ["static:1"]), FeedSettings("D/USD", ["volatile:100"]),
        start_ns=NOW_NS - 15 * SECOND_NS, speed=2.0, seed=3,
    )
    found = prices_of(feeds, NOW_NS)
    assert found == prices_of(feeds, NOW_NS)
    assert (found["A/USD"], found["C/USD"], found["D/USD"]) == (40, 1, 130)
    assert prices_of(feeds, NOW_NS - 15 * SECOND_NS)["B/USD"] == 46_000


def test_two_feeds_do_not_walk_alike() -> None:
    found = prices_of(build(FeedSettings("A/USD", ["walk:1"]), FeedSettings("B/USD", ["walk:1"])), NOW_NS)
    assert found["A/USD"] != found["B/USD"]


def test_quotes_in_another_money_are_multiplied_by_its_price() -> None:
    """50,000 USDT at 0.98 USD are 49,000 USD. The rate comes first, wherever it stands in the file."""
    exchanges = Said(one_BTCxUSDT=quote("50000"), two_BTCxUSDT=quote("50100"), three_USDTxUSD=quote("0.98"))
    wanted = (FeedSettings("BTC/USD", ["one:BTC/USDT", "two:BTC/USDT"]),
              FeedSettings("USDT/USD", ["three:USDT/USD"]))
    feeds = build(*wanted, exchanges=exchanges)
    assert [feed.symbol for feed in feeds] == ["USDT/USD", "BTC/USD"]
    assert prices_of(feeds, NOW_NS) == {"USDT/USD": Decimal("0.98"), "BTC/USD": Decimal("49049.00")}
    del exchanges.said["three:USDT/USD"]
    assert prices_of(feeds, NOW_NS) == {}, "without the rate nobody knows"


def test_more_than_half_must_be_fresh_and_near() -> None:
    feed = FeedSettings("BTC/USD", ["one:BTC/USD", "two:BTC/USD", "three:BTC/USD"], max_age_s=10.0)
    exchanges = Said(one_BTCxUSD=quote("50000"), two_BTCxUSD=quote("50010", 10), three_BTCxUSD=quote("1", 11))
    feeds = build(feed, exchanges=exchanges)
    assert prices_of(feeds, NOW_NS) == {"BTC/USD": 50_005}
    assert prices_of(feeds, NOW_NS + SECOND_NS) == {}, "the second is too old now"
    one = build(FeedSettings("BTC/USD", feed.sources, min_sources=1, max_age_s=10.0), exchanges=exchanges)
    assert prices_of(one, NOW_NS + SECOND_NS) == {"BTC/USD": 50_000}


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-1", "0", "1e20"])
def test_what_is_no_price_is_left_out(price: str) -> None:
    exchanges = Said(one_BTCxUSD=quote("50000"), two_BTCxUSD=quote("50010"), three_BTCxUSD=quote(price))
    feeds = build(FeedSettings("BTC/USD", ["one:BTC/USD", "two:BTC/USD", "three:BTC/USD"]), exchanges=exchanges)
    assert prices_of(feeds, NOW_NS) == {"BTC/USD": 50_005}


def test_a_lonely_source_that_jumps_is_not_believed() -> None:
    exchanges = Said(one_BTCxUSD=quote("50000"))
    feeds = build(FeedSettings("BTC/USD", ["one:BTC/USD"]), exchanges=exchanges)
    assert prices_of(feeds, NOW_NS) == {"BTC/USD": 50_000}
    exchanges.said["one:BTC/USD"] = quote("5000000")
    assert prices_of(feeds, NOW_NS + SECOND_NS) == {}


@pytest.mark.parametrize(
    ("feeds", "said"),
    [
        ([FeedSettings("", ["static:1"])], "symbol ''"),
        ([FeedSettings("BTC", ["static:1"])], "symbol 'BTC'"),
        ([FeedSettings("A/USD", ["static:1"]), FeedSettings("A/USD", ["static:1"])], "only once"),
        ([FeedSettings("A/USD")], "no sources"),
        ([FeedSettings("A/USD", ["static:1"], min_sources=2)], "min_sources"),
        ([FeedSettings("A/USD", ["static:1"], max_age_s=0.0)], "max_age_s"),
        ([FeedSettings("A/USD", ["static:one"])], "no price"),
        ([FeedSettings("A/USD", ["walk:0"])], "no sensible price"),
        ([FeedSettings("A/USD", ["kraken"])], "not like kraken:A/USD"),
        ([FeedSettings("A/USD", ["kraken:B/USD"])], "not like kraken:A/USD"),
        ([FeedSettings("A/USD", ["kraken:A/USDT"])], "needs a feed USDT/USD"),
        ([FeedSettings("A/USD", ["kraken:A/B"]), FeedSettings("B/USD", ["kraken:B/A"])], "need one another"),
        ([FeedSettings(f"A{index}/USD", ["static:1"]) for index in range(129)], "more than 128"),
    ],
)
def test_mistakes_are_named(feeds: list[FeedSettings], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        build(*feeds)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(PricesError, match=r"none\.csv"):
        build(FeedSettings("A/USD", ["replay:none.csv"]))

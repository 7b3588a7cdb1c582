"""What is made of committed blocks: counts, agreement, rates."""

from pathlib import Path

from rich.console import Console

from node.localnet import table
from node.localnet.plan import MarketPlan, make_plan
from node.localnet.watch import NetworkView, NodeView
from novation.v1 import events_pb2, feed_pb2, tx_pb2

PLAN = make_plan(Path("nowhere"), 26600, 2, 1)


def network(nodes: int = 2) -> NetworkView:
    return NetworkView([NodeView(f"node{index}") for index in range(nodes)])


def block(height: int, app_hash: bytes = b"\x01", fills: int = 0) -> feed_pb2.CommittedBlock:
    results = [
        tx_pb2.ActionResult(order_id=7),
        tx_pb2.ActionResult(order_id=8, cancelled_orders=1),
        tx_pb2.ActionResult(code=601),
    ]
    tx = feed_pb2.CommittedTx(result=tx_pb2.EnvelopeResult(actions=results),
                              events=[events_pb2.Event(fill=events_pb2.Fill(market=1)) for _ in range(fills)])
    return feed_pb2.CommittedBlock(height=height, time_ns=height * 10**9, app_hash=app_hash, txs=[tx])


def test_a_block_counts_once_however_many_nodes_report_it() -> None:
    view = network()
    for node in view.nodes:
        view.observe(node, block(1, fills=2))
    assert (view.totals.blocks, view.totals.orders, view.totals.fills, view.totals.failed) == (1, 1, 2, 1)


def test_lives_of_options_are_counted() -> None:
    """Series that come and go, fills in them, expiries that settled: in the table, the line and the data."""
    made = block(1, fills=2)
    made.txs[0].events.add().fill.market = 10_000
    for number in (10_000, 10_001):
        made.events.add().series_listed.market = number
    made.events.add().expiry_fixed.feed = 1
    made.events.add().series_removed.market = 10_000
    view = network()
    view.observe(view.nodes[0], made)
    totals = view.totals
    assert (totals.fills, totals.option_fills, totals.series, totals.series_gone, totals.expiries) == (3, 1, 2, 1, 1)
    assert table.options_line(view) == "options 1 of 2 series   fills 1   expiries settled 1"
    assert "options=1 expiries=1" in table.network_line(PLAN, view)
    assert table.summary(PLAN, view)["expiries_fixed"] == 1


def test_steps_of_liquidation_are_counted_wherever_they_happen(tmp_path: Path) -> None:
    """In hooks and in transactions, with what funds and winners paid: in the table, the line and the data."""
    made = block(1, fills=1)
    made.txs[0].events.add().auction_bid_taken.paid_quanta = 5
    for kind, field, value in (
        ("fill", "market", 1), ("trigger_fired", "market", 1), ("position_closed", "fund_paid_quanta", 2_500_000),
        ("auction_started", "equity_quanta", 1), ("account_reduced", "fund_paid_quanta", 500_000),
        ("holder_reduced", "given_up_quanta", 1_250_000), ("holder_reduced", "given_up_quanta", 0),
        ("asset_seized", "paid_quanta", 1_000_000), ("market_status_changed", "after", 2),
        ("breaker_tripped", "market", 1),
    ):
        setattr(getattr(made.events.add(), kind), field, value)
        getattr(made.events[-1], kind).SetInParent()
    view = network()
    view.observe(view.nodes[0], made)
    totals = view.totals
    assert (totals.fills, totals.triggers, totals.closings, totals.auctions, totals.bids) == (2, 1, 1, 1, 1)
    assert (totals.reductions, totals.reduced_holders, totals.market_changes) == (1, 2, 1)
    assert totals.breakers == 1
    assert (totals.fund_paid_quanta, totals.given_up_quanta) == (4_000_000, 1_250_000)
    assert "liquidations 1   auctions 1 (bids 1)" in table.risk_line(view)
    assert "liquidations=1 auctions=1 reductions=1" in table.network_line(PLAN, view)
    data = table.summary(make_plan(tmp_path, 26600, 2, 1), view)
    assert (data["liquidations"], data["funds_paid_usd"], data["given_up_usd"]) == (1, "4.000000", "1.250000")
    assert data["breakers_tripped"] == 1


def test_marks_are_shown_as_people_write_them_with_how_often_they_moved(tmp_path: Path) -> None:
    """46,012,500 quanta a lot of 0.001 are 46,012.5 USD."""
    plan = make_plan(tmp_path, 26600, 2, 1, liars=1)
    plan.markets = [MarketPlan(1, "BTC-PERP", "0.001", "46000"), MarketPlan(2, "ETH-PERP", "0.01", "3700")]
    view = network()
    assert "no prices yet" in table.prices_line(plan, view)
    for height, quanta in ((1, 46_000_000), (2, 46_012_500)):
        made = block(height)
        made.events.add().mark_price_set.CopyFrom(events_pb2.MarkPriceSet(market=1, price_quanta=quanta))
        view.observe(view.nodes[0], made)
    assert table.prices_line(plan, view) == "BTC-PERP 46012.5   (moved 2 times)   node1: liar"
    assert "BTC-PERP=46012.5 " in table.network_line(plan, view)
    data = table.summary(plan, view)
    assert (data["prices"], data["price_changes"]) == ({"BTC-PERP": "46012.5"}, 2)
    assert [node["feeder"] for node in data["nodes"]] == ["honest", "liar"]


def test_agreement_needs_every_node() -> None:
    view = network(3)
    view.observe(view.nodes[0], block(5))
    view.observe(view.nodes[1], block(5))
    assert view.agreed_height == 0
    view.observe(view.nodes[2], block(5))
    assert view.agreed_height == 5
    assert view.disagreement == ""


def test_a_node_that_comes_late_is_still_compared() -> None:
    view = network()
    for height in range(1, 6):
        view.observe(view.nodes[0], block(height, bytes([height])))
    view.observe(view.nodes[1], block(3, b"\xff"))
    assert "height 3" in view.disagreement
    assert "node1" in view.disagreement


def test_block_time_is_the_mean_of_header_times() -> None:
    view = network()
    for height in (1, 2, 3):
        view.observe(view.nodes[0], block(height))
    assert view.nodes[0].block_ms == 1000.0
    assert view.nodes[1].block_ms == 0.0


def test_it_shows_as_table_line_and_data(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 2, 1)
    view = network()
    view.observe(view.nodes[0], block(4, b"\xab" * 32, fills=3))
    view.sample()
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table.network_table(plan, view))
    shown = console.export_text()
    assert "abababababababab" in shown
    assert "down" in shown
    assert "node0=4 node1=down" in table.network_line(PLAN, view)
    data = table.summary(plan, view)
    assert data["fills"] == 3
    assert data["nodes"][0]["app_hash"] == "ab" * 32


def test_a_disagreement_is_loud() -> None:
    view = network()
    view.observe(view.nodes[0], block(4, b"\x01"))
    view.observe(view.nodes[1], block(4, b"\x02"))
    assert "DIFFER" in table.network_line(PLAN, view)
    assert "APP HASHES DIFFER" in table.agreement(view).plain


def test_the_introduction_names_what_a_newcomer_needs(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, 26600, 2, 1)
    plan.markets = [MarketPlan(1, "BTC-PERP", "0.001", "46000")]
    text = table.introduction(plan)
    for needed in ("127.0.0.1:26602", "127.0.0.1:26612", "BTC-PERP --price 46920 --key alice", "localnet down"):
        assert needed in text

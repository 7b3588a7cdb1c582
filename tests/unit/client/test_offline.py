"""Risk from proofs: the chain's own numbers, from nothing but proven records, and no number from anything else."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.accounts.keys import key_of
from app.markets.types import CALL
from app.params import PARAMS_KEY
from app.portfolio.hooks import move_anchors
from app.portfolio.types import PortfolioTerms
from app.question_messages import answer_message, question_of
from app.questions import ask
from app.registry import open_fork
from app.store.table import EMPTY_RECORD
from client.errors import BadRequest, NotProven
from client.light_headers import LightError
from client.light_proofs import ProofError
from client.offline import OfflineRisk, ProvenReader, prove_risk
from client.results import MarketInfo
from client.saved import SavedInputs, save_inputs
from client.units import Units
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, ETH, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.options import genesis, holds, keep, list_series, number_of
from tests.helpers.proving import ProvingLight

P, E = MARK_QUANTA[BTC], MARK_QUANTA[ETH]
BOBS = tx_pb2.AccountId(owner=BOB.owner)


def traded() -> Driver:
    """Bob is long 12 of the one and short 3 of the other, with open orders."""
    driver = Driver(b.genesis(cash_quanta=80_000_000, gas_price_e6=0))
    driver.do(ALICE, b.sell(P, 30), b.buy(E, 9, market=ETH))
    driver.do(BOB, b.buy(P, 12), b.sell(E, 3, market=ETH), b.buy(P - 500, 5))
    driver.mark(P - 40_000)
    driver.run([])
    return driver


def prove(light: ProvingLight, request: risk_service.GetRiskRequest) -> OfflineRisk:
    return asyncio.run(prove_risk(light, request))


def by_the_node(driver: Driver, request: risk_service.GetRiskRequest) -> risk_service.GetRiskResponse:
    """What a node answers from its own state."""
    ctx = open_fork(driver.chain.reader, driver.height, driver.time_ns)
    return answer_message(driver.height, driver.time_ns, ask(ctx, key_of(request.account), question_of(request)))


REQUESTS = [
    risk_service.GetRiskRequest(account=BOBS),
    risk_service.GetRiskRequest(account=tx_pb2.AccountId(owner=BOB.owner, number=7)),
    risk_service.GetRiskRequest(
        account=BOBS, cash_quanta=-5, prices=[risk_service.SupposedPrice(market=BTC, change_ppm=-100_000)],
        trades=[risk_service.SupposedTrade(market=ETH, side=b.BUY, price_quanta=E, size_lots=2)]),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=["as it is", "no account", "supposed"])
def test_risk_004_proven_answers_are_the_nodes(request_: risk_service.GetRiskRequest) -> None:
    """RISK-004: every number the same, from the records that it needs and no others."""
    driver = traded()
    light = ProvingLight(driver)
    found = prove(light, request_)
    assert found.answer == by_the_node(driver, request_)
    assert len(light.asked) == len(set(light.asked)) == len(found.records)
    assert (found.height, found.header.height, found.header.app_hash) == (
        driver.height, driver.height + 1, driver.app_hash)
    assert set(found.records) >= {("params", PARAMS_KEY), ("accounts", key_of(request_.account))}
    assert ("accounts", ALICE.account()) not in found.records


def test_risk_004_how_many_records() -> None:
    """RISK-004: long in one market: parameters, account, market, mark, funding, and no terms."""
    driver = Driver(b.genesis(gas_price_e6=0))
    driver.do(ALICE, b.sell(P, 30))
    driver.do(BOB, b.buy(P, 12))
    found = prove(ProvingLight(driver), REQUESTS[0])
    assert sorted(table for table, _ in found.records) == [
        "accounts", "funding", "markets", "marks", "params", "portfolios"]


@pytest.mark.parametrize(("table", "key"), [
    ("accounts", BOB.account()), ("marks", b"\0\0\0\1"), ("markets", b"\0\0\0\2"), ("params", PARAMS_KEY)])
@pytest.mark.parametrize("lie", [None, b"\x08\x01"], ids=["absent", "other"])
def test_lies_are_refused(table: str, key: bytes, lie: bytes | None) -> None:
    """RISK-004: a record that is hidden or altered has no proof."""
    light = ProvingLight(traded(), lies={(table, key): lie})
    with pytest.raises(ProofError):
        prove(light, REQUESTS[0])


def test_nothing_is_assumed() -> None:
    """RISK-004: what is not proven is an error, whatever it is; what is proven to be absent is not."""
    reader = ProvenReader({("accounts", b"a"): None})
    assert reader.get(b"r\x02a") is None
    for key in (b"r\x02b", b"r\x01a"):
        with pytest.raises(NotProven, match="NOT_PROVEN: table="):
            reader.get(key)
    with pytest.raises(NotProven, match="all of accounts"):
        list(reader.scan(b"r\x02"))


def test_a_record_that_says_nothing_is_no_missing_one() -> None:
    """RISK-004: a market's funding in which all is 0 is a record, and proven as one."""
    driver = Driver(b.genesis(gas_price_e6=0))
    driver.do(ALICE, b.sell(P, 30))
    driver.do(BOB, b.buy(P, 12))
    found = prove(ProvingLight(driver), REQUESTS[0])
    assert found.records["funding", b"\0\0\0\1"] == EMPTY_RECORD and found.answer == by_the_node(driver, REQUESTS[0])
    reader = ProvenReader({("accounts", b"a"): None})
    assert reader.get(b"r\x02a") is None


def test_questions_that_proofs_cannot_answer() -> None:
    """RISK-004: orders meet a whole book; other rules than these; what the chain itself refuses."""
    driver = traded()
    with pytest.raises(NotProven, match="orders of everybody"):
        prove(ProvingLight(driver), risk_service.GetRiskRequest(account=BOBS, actions=[b.buy(P, 5)]))
    with pytest.raises(LightError, match="version 9 of its rules"):
        prove(ProvingLight(driver, app_version=9), REQUESTS[0])
    with pytest.raises(BadRequest, match="MARKET_NOT_FOUND"):
        prove(ProvingLight(driver), risk_service.GetRiskRequest(
            account=BOBS, prices=[risk_service.SupposedPrice(market=9, price_quanta=5)]))


def test_markets_are_what_is_proven() -> None:
    """RISK-004: names and units that a gateway told are held against the proven record."""
    found = prove(ProvingLight(traded()), REQUESTS[0])
    proven = found.market(BTC)
    assert (proven.symbol, proven.units.lots("0.012")) == ("BTC-PERP", 12)
    found.confirm(proven)
    for symbol, lot in (("ETH-PERP", "0.001"), ("BTC-PERP", "0.0001")):
        record = state_pb2.Market(market=BTC, symbol=symbol)
        units = Units(type(proven.units.lot_size)(lot), proven.units.tick_size, proven.units.tick_quanta)
        with pytest.raises(NotProven, match="lied"):
            found.confirm(MarketInfo(BTC, symbol, units, record))
    with pytest.raises(NotProven, match="markets"):
        found.market(9)


def test_risk_004_what_the_request_was_made_of_is_proven_too() -> None:
    """RISK-004: the market by which an underlying was named may not be among the account's."""
    light = ProvingLight(traded())
    nobody = risk_service.GetRiskRequest(account=tx_pb2.AccountId(owner=BOB.owner, number=7))
    units = Units.of(state_pb2.Market.FromString(prove(light, REQUESTS[0]).records["markets", b"\0\0\0\2"]))
    for feed, lies in ((2, False), (1, True)):
        told = MarketInfo(ETH, "ETH-PERP", units, state_pb2.Market(feed=feed))
        asked = prove_risk(light, nobody, told=[told])
        if lies:
            with pytest.raises(NotProven, match="lied"):
                asyncio.run(asked)
        else:
            assert ("markets", b"\0\0\0\2") in asyncio.run(asked).records


def test_the_rest_of_the_sdk_needs_no_app() -> None:
    """Whoever imports the SDK without the offline part does not load the state machine."""
    done = subprocess.run([sys.executable, "-c", "import sys, client, client.light, client.risk, client.sync\n"
                           "print([name for name in sys.modules if name == 'app' or name.startswith('app.')])"],
                          capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert done.stdout.strip() == "[]"


def optioned() -> Driver:
    """Alice is short a call and long the perpetual, on a chain with options and terms of portfolio margin; by hand."""
    driver = Driver(genesis())
    driver.run([])
    ctx = driver.chain.ctx
    list_series(ctx)
    for feed in (1, 2):
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    move_anchors(ctx)
    holds(ctx, ALICE.account(), {BTC: 60, number_of(460_000_000, CALL): -2}, 10**10)
    holds(ctx, BOB.account(), {BTC: -60, number_of(460_000_000, CALL): 2}, 10**10)
    keep(driver)
    return driver


def test_risk_004_options_and_portfolios() -> None:
    """RISK-004: surfaces, anchors, terms and classes are proven too; and a mode may be supposed."""
    driver = optioned()
    mode = tx_pb2.Action(set_margin_mode=tx_pb2.SetMarginMode(mode=tx_pb2.MARGIN_MODE_PORTFOLIO))
    for actions in ([], [mode]):
        request = risk_service.GetRiskRequest(
            account=tx_pb2.AccountId(owner=ALICE.owner), moves=[risk_service.SupposedMove(feed=1, price_ppm=50_000)],
            grid=risk_service.ScenarioGrid(feed=1, prices_ppm=[-100_000, 0], volatilities_ppm=[0, 200_000]),
            actions=actions)
        found = prove(ProvingLight(driver), request)
        assert found.answer == by_the_node(driver, request)
        assert {"surfaces", "anchors", "portfolios", "feeds", "option_classes"} <= {table for table, _ in found.records}
        assert found.answer.after.portfolio == bool(actions) and len(found.answer.after.tails[0].rows) == 34


def test_risk_004_inputs_in_a_file(tmp_path: Path) -> None:
    """RISK-004: saved, they make the same answer without any node, and any other that needs no more."""
    driver = traded()
    found = prove(ProvingLight(driver), REQUESTS[2])
    file = tmp_path / "bob.json"
    save_inputs(file, found.own, found.header, found.proofs)
    inputs = SavedInputs.read(file, found.header.hash())
    again = asyncio.run(prove_risk(inputs, REQUESTS[2]))
    assert (again.answer, again.records) == (found.answer, found.records)
    other = risk_service.GetRiskRequest(account=BOBS, cash_quanta=7)
    assert asyncio.run(prove_risk(inputs, other)).answer == by_the_node(driver, other)
    assert set(inputs.keys("markets")) == {b"\0\0\0\1", b"\0\0\0\2"}
    with pytest.raises(NotProven, match="does not hold it"):
        asyncio.run(prove_risk(inputs, REQUESTS[1]))
    with pytest.raises(NotProven, match="not 77"):
        asyncio.run(inputs.record("params", PARAMS_KEY, 77))
    with pytest.raises(LightError, match="not the trusted one"):
        SavedInputs.read(file, bytes(32))


@pytest.mark.parametrize("what", ["value", "absent", "proof", "header", "app_hash", "time", "format", "text"])
def test_risk_004_altered_files_are_refused(tmp_path: Path, what: str) -> None:
    """RISK-004: whatever is changed in a file, its trusted hash does not bear it out."""
    found = prove(ProvingLight(traded()), REQUESTS[0])
    file = tmp_path / "bob.json"
    save_inputs(file, found.own, found.header, found.proofs)
    document = json.loads(file.read_text())
    account = next(one for one in document["records"] if one["table"] == "accounts")
    if what in ("value", "absent"):
        account["value"] = account["value"][:-2] + "05" if what == "value" else ""
    elif what == "proof":
        account["proof"][1] = account["proof"][0]
    elif what == "header":
        document["header"]["time_ns"] += 1
    elif what == "format":
        document["format"] = "other"
    else:
        document["next_header"].update({"app_hash": "00" * 32} if what == "app_hash" else {"time_ns": 5})
    file.write_text("{" if what == "text" else json.dumps(document))
    with pytest.raises((LightError, ProofError)):
        asyncio.run(prove_risk(SavedInputs.read(file, found.header.hash()), REQUESTS[0]))

"""Every fault of a genesis is found, with its place; and what this finds good, the chain accepts."""

import copy
import hashlib
import json
from pathlib import Path

import pytest

from genesis.builder import build, read_preset
from genesis.validate import GenesisFileError, differences, problems, read_app_state
from node.localnet.network import check_app_state


@pytest.fixture
def app_state() -> dict:
    return build(read_preset("localnet"), lambda name: hashlib.sha256(name.encode()).hexdigest()[:40])


FAULTS = [
    (lambda s: s["markets"][0].update(tick_quanta=0), "markets[0].tick_quanta"),
    (lambda s: s["markets"][0].update(tick_quanta=250), "markets[0].tick_quanta: is 250, but"),
    (lambda s: s["markets"][1].update(market=1), "markets[1].market: 1 is there twice"),
    (lambda s: s["markets"][1].update(symbol="BTC-PERP"), "markets[1].symbol"),
    (lambda s: s["markets"][0].update(maintenance_margin_ppm=60_000), "markets[0].maintenance_margin_ppm"),
    (lambda s: s["markets"][0].update(feed=9), "markets[0].feed: there is no feed 9"),
    (lambda s: s["feeds"][1].update(feed=3), "feeds: must be numbered from 1"),
    (lambda s: s["feeds"][0].update(price=46_000_000.0), "feeds[0].price: must be an integer"),
    (lambda s: s["markets"][0].pop("maker_fee_ppm"), "markets[0].maker_fee_ppm: is missing"),
    (lambda s: s["markets"][0].update(kind="swap"), "markets[0].kind: must be one of perpetual, future"),
    (lambda s: s["markets"][0].update(kind="future"), "markets[0].expiry_ns: a future has one"),
    (lambda s: s["markets"].clear(), "markets: there must be at least one"),
    (lambda s: s["accounts"][3].update(owner="AB" * 20), "accounts[3].owner"),
    (lambda s: s["accounts"].append(copy.deepcopy(s["accounts"][0])), "is there twice"),
    (lambda s: s["accounts"][0].update(cash_quanta=True), "accounts[0].cash_quanta"),
    (lambda s: s["accounts"].insert(0, 7), "accounts[0]: must be an object"),
    (lambda s: s["params"].update(gas_price_e6=-1), "params.gas_price_e6"),
    (lambda s: s["params"].update(note="hi"), "params.note: is not known"),
    (lambda s: s["params"].update(withdraw_hour_ppm=250_001), "params.withdraw_hour_ppm: must be between"),
    (lambda s: s["params"].update(portfolio_maintenance_ppm=4), "params.portfolio_maintenance_ppm: must be between"),
    (lambda s: s["params"].update(offset_cap_quanta=-1), "params.offset_cap_quanta: must be between"),
    (lambda s: s["params"].update(test_network=False, withdraw_day_quanta=0, withdraw_day_ppm=0),
     "params.withdraw_day_quanta: only a test network"),
    (lambda s: s.update(params=[]), "params: must be an object"),
    (lambda s: s.update(fees=[]), "fees: must be an object"),
    (lambda s: s.update(fees={"tiers": []}), "fees.tiers: must be a list"),
    (lambda s: s.update(fees={"tiers": [{"volume_quanta": 1, "maker_ppm": 0, "taker_ppm": 0}]}),
     "fees.tiers: must ascend by volume_quanta"),
    (lambda s: s.update(fees={"tiers": [{"volume_quanta": 0, "maker_ppm": -2_000_000, "taker_ppm": 0}]}),
     "fees.tiers: [0].maker_ppm"),
    (lambda s: s.update(fees={"insurance_ppm": 900_000, "stakers_ppm": 200_000}), "fees.stakers_ppm: must be at most"),
    (lambda s: s["markets"][0].update(fee_charge_ppm=-1), "markets[0].fee_charge_ppm"),
    (lambda s: s["markets"][0].update(liquidation_fee_ppm=1_000_001), "liquidation_fee_ppm: must be between 0 and"),
    (lambda s: s["markets"][0].update(wind_down_ns=10**18), "markets[0].wind_down_ns: must be between"),
    (lambda s: s["markets"][0].update(order_band_ppm=999), "markets[0].order_band_ppm: must be between"),
    (lambda s: s["markets"][0].update(halt_window_ns=0), "markets[0].halt_window_ns: must be between"),
    (lambda s: s["markets"][0].update(fill_band_ppm=False), "markets[0].fill_band_ppm: must be an integer"),
    (lambda s: s["markets"][0].update(wind_down_loss_quanta="1"), "wind_down_loss_quanta: must be an integer"),
    (lambda s: s["markets"][0].update(insurance_event_quanta=-1), "markets[0].insurance_event_quanta"),
    (lambda s: s["markets"][0].update(insurance_day_quanta=-1), "markets[0].insurance_day_quanta"),
    (lambda s: s["markets"][0].update(insurance_quanta=6, insurance_cap_quanta=5),
     "markets[0].insurance_quanta: must not exceed insurance_cap_quanta 5"),
    (lambda s: s["markets"][0].update(insurance_quanta=10**17, insurance_cap_quanta=10**17),
     "accounts: all cash, and insurance_quanta"),
    (lambda s: s.update(assets=5), "assets: must be a list"),
    (lambda s: s["assets"].append(s["assets"][0]), "assets[1].asset: 1 is there twice"),
    (lambda s: s["assets"][0].update(haircut_ppm=2_000_000), "assets[0].haircut_ppm"),
    (lambda s: s["assets"][0].update(price_market=9), "assets[0].price_market: there is no market 9"),
    (lambda s: s["assets"][0].update(price_quanta=9), "assets[0]: needs one of"),
    (lambda s: s.update(options=5), "options: must be a list"),
    (lambda s: s["options"].append(s["options"][0]), "options[1].feed: 1 is there twice"),
    (lambda s: s["options"][0].update(fund_market=2), "options[0].fund_market: must be a market on feed 1"),
    (lambda s: s["options"][0].update(order_band_ppm=50_000), "options[0].order_band_ppm: must be at most"),
    (lambda s: s["options"][0].update(shorts=0), "options[0].shorts: with short_s"),
    (lambda s: s["options"][0].update(tick_quanta=7), "options[0].tick_quanta: is 7, but"),
    (lambda s: s["options"][0].update(strikes=51), "options[0].strikes: must be between"),
    (lambda s: s["portfolios"][0].update(feed=9), "portfolios[0].feed: there is no feed 9"),
    (lambda s: s["portfolios"][1].update(feed=1), "portfolios[1].feed: 1 is there twice"),
    (lambda s: s["portfolios"][1].update(offset_ppm=-1), "portfolios[1].offset_ppm: must be between"),
    (lambda s: s["portfolios"][1].update(rows=5), "portfolios[1].rows: must be a list"),
    (lambda s: s.update(validators=[]), "app_state.validators: is not known"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS)
def test_each_fault_is_named_with_its_place(app_state: dict, change, said: str) -> None:
    change(app_state)
    assert any(said in line for line in problems(app_state)), problems(app_state)


def test_faults_are_all_reported_at_once(app_state: dict) -> None:
    app_state["params"]["max_block_gas"] = 0
    app_state["markets"][0]["market"] = 0
    app_state["accounts"][0]["number"] = -1
    assert len(problems(app_state)) == 3


def test_the_chain_itself_has_the_last_word(app_state: dict) -> None:
    assert check_app_state(app_state) == []
    app_state["params"]["gas_price_e6"] = 10**12 + 1
    assert problems(app_state) == []
    assert "gas_price_e6" in check_app_state(app_state)[0]


def test_a_state_is_read_bare_or_out_of_a_genesis_file(tmp_path: Path, app_state: dict) -> None:
    bare, whole = tmp_path / "bare.json", tmp_path / "genesis.json"
    bare.write_text(json.dumps(app_state))
    whole.write_text(json.dumps({"chain_id": "c", "app_state": app_state}))
    assert read_app_state(bare) == read_app_state(whole) == app_state


@pytest.mark.parametrize("text", ["", "[1]", '{"app_state": 3}', "nonsense"])
def test_what_is_no_genesis_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "g.json"
    path.write_text(text)
    with pytest.raises(GenesisFileError, match=r"g\.json"):
        read_app_state(path)


def test_a_missing_file_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(GenesisFileError, match="novation genesis build"):
        read_app_state(tmp_path / "none.json")


def test_differences_are_named_with_their_place(app_state: dict) -> None:
    other = copy.deepcopy(app_state)
    assert differences(app_state, other) == []
    other["markets"][1]["tick_quanta"] = 1
    other["params"]["x"] = 1
    other["accounts"].pop()
    lines = differences(app_state, other)
    assert any(line.startswith("app_state.markets[1].tick_quanta: 500 → 1") for line in lines)
    assert any(line.startswith("app_state.params.x: only in the second") for line in lines)
    assert any(line.startswith("app_state.accounts: ") for line in lines)

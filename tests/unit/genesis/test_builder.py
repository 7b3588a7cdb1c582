"""From presets to canonical genesis: exact, the same bytes everywhere, and accepted by the chain."""

import copy
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from genesis.builder import PresetError, build, canonical, preset_names, read_preset, state_hash
from genesis.units import UnitError, base_to_lots, decimal, percent_to_ppm, price_to_quanta, usd_to_quanta
from genesis.validate import problems
from node.localnet.network import check_app_state


def owner(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:40]


@pytest.fixture
def preset() -> dict:
    return read_preset("localnet")


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_builds_a_state_the_chain_accepts(name: str) -> None:
    app_state = build(read_preset(name), owner)
    assert problems(app_state) == []
    assert check_app_state(app_state) == []


def test_decimals_become_integers_exactly(preset: dict) -> None:
    market = build(preset, owner)["markets"][0]
    assert market["lot_size"] == "0.001"
    assert market["tick_quanta"] == 500
    assert market["feed"] == 1
    assert market["initial_margin_ppm"] == 50_000
    assert market["taker_fee_ppm"] == 500
    assert market["max_order_lots"] == 1_000_000


def test_assets_are_exact(preset: dict) -> None:
    preset["assets"].append({"asset": 3, "symbol": "EUR", "decimals": 2, "haircut_percent": "5", "account_cap": "0",
                             "deposit_cap": "10.5", "price_usd": "1.08"})
    app_state = build(preset, owner)
    assert problems(app_state) == [] and check_app_state(app_state) == []
    bitcoin, euro = app_state["assets"][0], app_state["assets"][-1]
    assert (bitcoin["symbol"], bitcoin["price_market"], bitcoin["haircut_ppm"]) == ("BTC", 1, 100_000)
    assert (euro["deposit_cap_units"], euro["price_quanta"]) == (1_050, 1_080_000)
    preset["assets"][-1]["price_market"] = 1
    with pytest.raises(PresetError, match="one of price_market and price_usd"):
        build(preset, owner)


def test_margin_terms_are_optional_and_exact(preset: dict) -> None:
    preset["markets"][0].update(
        tiers=[{"from_notional_usd": "150000000", "initial_percent": "5", "maintenance_percent": "4"}],
        open_interest_lower_usd="100", open_interest_upper_usd="200.5", profit_cap_usd="0.000001")
    app_state = build(preset, owner)
    assert problems(app_state) == [] and check_app_state(app_state) == []
    market = app_state["markets"][0]
    assert market["tiers"] == [
        {"from_notional_quanta": 150_000_000_000_000, "initial_ppm": 50_000, "maintenance_ppm": 40_000}]
    assert (market["open_interest_upper_quanta"], market["profit_cap_quanta"]) == (200_500_000, 1)
    assert "tiers" not in app_state["markets"][1]
    market["tiers"] *= 2
    assert problems(app_state) == ["markets[0].tiers: must ascend by from_notional_quanta"]


def test_terms_of_portfolios_are_in_percent_and_usd(preset: dict) -> None:
    """PORT-010, PORT-011: the part that is maintenance margin, and the most that underlyings save one another."""
    preset["params"].update(portfolio_maintenance_percent="75.5", offset_cap_usd="3")
    app_state = build(preset, owner)
    assert problems(app_state) == [] and check_app_state(app_state) == []
    assert {"portfolio_maintenance_ppm": 755_000, "offset_cap_quanta": 3_000_000}.items() <= app_state["params"].items()


def test_terms_of_breakers_are_in_percent_seconds_and_base(preset: dict) -> None:
    """BRK-013, BRK-018: what a preset says becomes the entry's; what it does not say is the chain's default."""
    preset["params"].update(withdraw_hour_usd="2", withdraw_hour_percent="0.5")
    preset["markets"][0].update(order_band_percent="2.5", fill_band_percent="3", halt_move_percent="0",
                                halt_window_seconds="60", halt_auction_seconds="1.5", halt_extensions=0,
                                max_open_interest="1.5", max_open_interest_usd="7")
    app_state = build(preset, owner)
    assert problems(app_state) == [] and check_app_state(app_state) == []
    terms = {"order_band_ppm": 25_000, "fill_band_ppm": 30_000, "halt_move_ppm": 0, "halt_window_ns": 60 * 10**9,
             "halt_auction_ns": 1_500_000_000, "halt_extensions": 0, "max_open_interest_lots": 1_500,
             "max_open_interest_quanta": 7_000_000}
    assert terms.items() <= app_state["markets"][0].items()
    assert (app_state["params"]["withdraw_hour_quanta"], app_state["params"]["withdraw_hour_ppm"]) == (2_000_000, 5_000)
    app_state["markets"][0]["order_band_ppm"] = 40_000
    assert problems(app_state) == ["markets[0].order_band_ppm: must be above 0 and at most fill_band_ppm"]


def test_terms_of_liquidation_are_in_usd_percent_and_days(preset: dict) -> None:
    preset["markets"][0].update(liquidation_fee_percent="0.25", insurance_usd="3", insurance_cap_usd="4.5",
                                insurance_event_usd="2", insurance_day_usd="7", wind_down_loss_usd="1",
                                wind_down_days="0.5")
    app_state = build(preset, owner)
    assert problems(app_state) == [] and check_app_state(app_state) == []
    terms = {"liquidation_fee_ppm": 2_500, "insurance_quanta": 3_000_000, "insurance_cap_quanta": 4_500_000,
             "insurance_event_quanta": 2_000_000, "insurance_day_quanta": 7_000_000,
             "wind_down_loss_quanta": 1_000_000, "wind_down_ns": 43_200 * 10**9}
    assert terms.items() <= app_state["markets"][0].items()
    preset["markets"][0]["wind_down_days"] = "soon"
    with pytest.raises(PresetError, match="wind_down_days 'soon' is not a plain decimal"):
        build(preset, owner)


@pytest.mark.parametrize(("now", "days", "expires"), [
    ("2026-11-26T05:00", 7, "2026-12-04T08:00"), ("2026-11-27T08:00", 0, "2026-12-04T08:00"),
    ("2026-11-27T07:59", 0, "2026-11-27T08:00"), ("2026-12-31T23:00", 30, "2027-02-05T08:00")])
def test_a_future_that_expires_so_many_days_ahead(preset: dict, now: str, days: int, expires: str) -> None:
    """On the Friday after, at 08:00 UTC."""
    preset["markets"][0] |= {"kind": "future", "expiry_days": days}
    made = build(preset, owner, datetime.fromisoformat(now).replace(tzinfo=UTC))["markets"][0]
    assert made["expiry_ns"] == datetime.fromisoformat(expires).replace(tzinfo=UTC).timestamp() * 10**9
    preset["markets"][0]["expiry"] = datetime.now(UTC)
    with pytest.raises(PresetError, match="one of expiry"):
        build(preset, owner)


def test_terms_of_fees_are_in_percent(preset: dict) -> None:
    preset["fees"] = {"referral_percent": "5", "tiers": [
        {"volume_usd": "0", "maker_percent": "100", "taker_percent": "100"},
        {"volume_usd": "1000000", "maker_percent": "-50", "taker_percent": "80"}]}
    preset["markets"][0]["insurance_cap_usd"] = "250000"
    app_state = build(preset, owner)
    assert app_state["fees"] == {"referral_ppm": 50_000, "tiers": [
        {"volume_quanta": 0, "maker_ppm": 1_000_000, "taker_ppm": 1_000_000},
        {"volume_quanta": 10**12, "maker_ppm": -500_000, "taker_ppm": 800_000}]}
    assert app_state["markets"][0]["insurance_cap_quanta"] == 250_000_000_000
    assert check_app_state(app_state) == []


def test_bytes_do_not_depend_on_order_or_process(preset: dict) -> None:
    shuffled = {name: preset[name] for name in sorted(preset, reverse=True)}
    shuffled["markets"] = [dict(reversed(one.items())) for one in reversed(preset["markets"])]
    shuffled["accounts"] = list(reversed(preset["accounts"]))
    assert canonical(build(shuffled, owner)) == canonical(build(preset, owner))
    script = ("import sys; from genesis.builder import *; "
              "import hashlib; owner = lambda name: hashlib.sha256(name.encode()).hexdigest()[:40]; "
              "print(state_hash(build(read_preset('localnet'), owner)))")
    hashes = set()
    for seed in ("0", "1"):
        run = subprocess.run([sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True,
                             text=True)
        assert run.returncode == 0, run.stderr
        hashes.add(run.stdout.strip())
    assert hashes == {state_hash(build(preset, owner))}


def test_canonical_json_has_only_integers(preset: dict) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not an integer")

    assert json.loads(canonical(build(preset, owner)), parse_float=refuse)["params"]["test_network"] is True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p["markets"][1].update(lot_size="0.0.1"), r"markets\[1\]: .*plain decimal"),
        (lambda p: p["markets"][0].update(tick_size="0.0000001"), r"markets\[0\]: tick_size is not a whole number"),
        (lambda p: p["feeds"][0].update(price=46000.5), r"feeds\[0\]: price .*plain decimal"),
        (lambda p: p["markets"][0].pop("symbol"), r"markets\[0\]: symbol is missing"),
        (lambda p: p["markets"][0].update(colour="red"), "unknown keys colour"),
        (lambda p: p["accounts"][0].update(cash_usd="-5"), r"accounts\[0\]: cash_usd"),
        (lambda p: p["accounts"][1].update(owners="alice"), r"accounts\[1\]: owners"),
        (lambda p: p["params"].update(test_network=1), "params: test_network"),
        (lambda p: p.update(extra={}), "unknown keys extra"),
    ],
)
def test_mistakes_are_named_with_their_place(preset: dict, change, said: str) -> None:
    broken = copy.deepcopy(preset)
    change(broken)
    with pytest.raises(PresetError, match=said):
        build(broken, owner)


def test_a_chain_that_is_no_test_network_has_no_authority(preset: dict) -> None:
    preset["params"] = {**preset["params"], "test_network": False, "max_faucet_usd": "0"}
    assert "authority" in check_app_state(build(preset, owner))[0]
    del preset["params"]["authority"]
    assert problems(build(preset, owner)) == ["options[0].shorts: on a test network only"]
    for name in ("shorts", "short_seconds"):
        del preset["options"][0][name]
    app_state = build(preset, owner)
    assert app_state["params"]["authority"] == ""
    assert problems(app_state) == check_app_state(app_state) == []


def test_an_unknown_owner_is_named(preset: dict) -> None:
    def nobody(name: str) -> str:
        raise KeyError(name)

    with pytest.raises(PresetError, match=r"authority|alice"):
        build(preset, nobody)


def test_a_preset_that_is_not_there_is_named() -> None:
    with pytest.raises(PresetError, match="localnet"):
        read_preset("mainnet-of-dreams")


def test_what_a_market_need_not_say(preset: dict) -> None:
    """Kind, times and funding become the chain's fields, and the chain accepts them."""
    preset["markets"][0].update(
        kind="future", matching="batch", opens=datetime(2027, 1, 1, tzinfo=UTC), auction_seconds=90,
        expiry=datetime(2027, 3, 26, 8, tzinfo=UTC), impact_notional_usd="6000", interest_percent="-0.01",
        funding_band_percent="0.025", funding_cap_percent="2")
    market = build(preset, owner)["markets"][0]
    assert (market["expiry_ns"], market["auction_ns"]) == (1_806_048_000_000_000_000, 90_000_000_000)
    funding = [market[name] for name in ("interest_e9", "funding_band_e9", "funding_cap_e9")]
    assert funding == [-100_000, 250_000, 20_000_000]
    assert check_app_state(build(preset, owner)) == []
    preset["markets"][0]["expiry"] = "tomorrow"
    with pytest.raises(PresetError, match="expiry is not a date"):
        build(preset, owner)


def test_portfolios_have_terms(preset: dict) -> None:
    """Shares in ppm, times in nanoseconds; what is not said is the chain's own."""
    assert build(preset, owner)["portfolios"] == [{"feed": 1}, {"feed": 2, "offset_ppm": 400_000}]
    preset["portfolios"][0].update(shortest_seconds=3600, up_percent="60")
    assert build(preset, owner)["portfolios"][0] == {"feed": 1, "shortest_ns": 3_600 * 10**9, "up_ppm": 600_000}
    assert check_app_state(build(preset, owner)) == []
    preset["portfolios"][0]["colour"] = "red"
    with pytest.raises(PresetError, match="colour"):
        build(preset, owner)


def test_classes_of_options_are_exact(preset: dict) -> None:
    """Sizes in lots, shares in ppm, times in seconds and nanoseconds; a class's dates are numbers."""
    made = build(preset, owner)["options"][0]
    assert (made["lot_size"], made["tick_quanta"], made["max_order_lots"]) == ("0.01", 10_000, 100_000)
    assert (made["hour_s"], made["short_s"], made["shorts"], made["daily"]) == (28_800, 60, 2, 1)
    assert (made["order_band_ppm"], made["step_ppm"], made["surface_max_age_ns"]) == (20_000, 50_000, 15 * 10**9)
    preset["options"][0].update(max_open_interest="5", hour=0, margin_most_percent="20")
    made = build(preset, owner)["options"][0]
    assert (made["max_open_interest_lots"], made["hour_s"], made["margin_most_ppm"]) == (500, 0, 200_000)
    assert check_app_state(build(preset, owner)) == []
    preset["options"][0]["colour"] = "red"
    with pytest.raises(PresetError, match="colour"):
        build(preset, owner)


def test_units_never_round() -> None:
    assert decimal("0.001") * 1000 == 1
    assert usd_to_quanta("0.000001") == 1
    assert percent_to_ppm("0.0001") == 1
    assert base_to_lots("1.5", "0.5") == 3
    assert price_to_quanta("0.5", "0.001") == 500
    for wrong in (lambda: usd_to_quanta("0.0000001"), lambda: base_to_lots("1", "0.3"), lambda: base_to_lots("1", "0"),
                  lambda: decimal("1e3"), lambda: decimal("-1"), lambda: decimal(1.5), lambda: decimal("\u0661"),
                  lambda: usd_to_quanta("9" * 30)):
        with pytest.raises(UnitError):
            wrong()

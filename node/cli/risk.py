"""`novation query risk`: what an account owes, when it would be liquidated, and what if."""

from decimal import Decimal
from typing import Any

import click

from client import envelopes
from client.client import NovationClient
from client.envelopes import MARGIN_MODES
from client.results import MarketInfo
from client.risk import (
    Supposed,
    change_ppm,
    risk_request,
    suppose_move,
    suppose_order,
    suppose_trade,
)
from client.units import decimal, usd
from node.cli.chain import account_id, ask, with_options
from node.cli.offline import OPTIONS as OFFLINE
from node.cli.offline import proof_data, proof_text, risk_from_file, risk_offline
from node.cli.query import query
from node.cli.scenarios import OPTIONS as SCENARIOS
from node.cli.scenarios import grid_of, heat_map, lines, save_picture, table_data, table_of
from node.cli.session import EXIT_USAGE, Session, command, fail, simple_table
from node.cli.tails import modes_data, moved, tail_data, tails_text
from node.cli.views import SIDES, dollars, percent, plain, price_text, rows_table, when
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2

MONEY = ("cash", "assets", "equity", "usable", "initial", "maintenance", "excess", "free")
BAR = 40  # characters of a picture
NAMED = 3  # markets of an underlying that are named for people


@command(query)
@click.argument("who", default="")
@click.option("--price", "prices", multiple=True, metavar="MARKET=PRICE",
              help="Suppose a mark: BTC-PERP=41000, or a change: BTC-PERP=-10%.")
@click.option("--move", "moves", multiple=True, metavar="MARKET=CHANGE[,VOLATILITY]",
              help="Suppose that the underlying of MARKET moves, options and all: BTC-PERP=-10% or BTC-PERP=-10%,+20%.")
@click.option("--order", "orders", multiple=True, metavar="'SIDE SIZE MARKET PRICE'",
              help="Suppose an order of WHO: 'buy 0.1 BTC-PERP 46000'.")
@click.option("--trade", "trades", multiple=True, metavar="'SIDE SIZE MARKET PRICE'",
              help="Suppose a fill outside the book.")
@click.option("--mode", type=click.Choice(list(MARGIN_MODES)), help="Suppose that WHO chooses this mode of margin.")
@click.option("--rows", "every", is_flag=True,
              help="Every row of portfolio margin, and not the far ones alone; with --system, those for everybody.")
@click.option("--deposit", metavar="USD", default="0", help="Suppose so much more cash, in USD; negative: less.")
@click.option("--reduction", "reduced", metavar="MARKET",
              help="What a reduction of winners in MARKET would take of WHO.")
@click.option("--everybody", is_flag=True, help="With --reduction: as if all of the other side were closed.")
@click.option("--system", is_flag=True, help="The whole system under shocks, instead of one account.")
@click.option("--shock", "shocks", multiple=True, metavar="PERCENT", help="With --system: other shocks, like -25.")
@with_options([*SCENARIOS, *OFFLINE])
def risk(session: Session, who: str, prices: tuple[str, ...], moves: tuple[str, ...], orders: tuple[str, ...],
         trades: tuple[str, ...], mode: str | None, every: bool, deposit: str, reduced: str | None, everybody: bool,
         system: bool, shocks: tuple[str, ...], pictured: str | None, picture: str | None, offline: bool, trust: str,
         rpc: str | None, save: str | None, inputs: str | None) -> None:
    """Margin and liquidation prices of WHO, now and under what you suppose; by the chain's own code."""
    supposes = bool(prices or moves or mode or orders or trades or deposit != "0")
    check_together({"WHO": who, "--system": system, "--reduction": reduced, "--everybody": everybody, "--shock": shocks,
                    "--price": prices, "--rows": every, "--picture": picture, "--scenarios": pictured,
                    "--offline": offline, "--inputs": inputs, "--trust": trust, "--save": save,
                    "what else is supposed": moves or mode or orders or trades or deposit != "0"})
    if system:
        show_system(session, [_ppm(one) for one in shocks], every)
        return
    wanted = account_id(session, who)
    marks = dict(_halves(one) for one in prices)
    if reduced:
        show_reduction(session, who, wanted, reduced, marks, everybody)
        return

    supposed: dict[str, Any] = {
        "prices": marks, "moves": [_move(one) for one in moves], "cash": deposit,
        "trades": [_parsed(one, suppose_trade) for one in trades],
        "orders": [_parsed(one, suppose_order) for one in orders],
        "actions": [envelopes.set_margin_mode(mode)] if mode else []}

    async def work(client: NovationClient) -> tuple[Any, dict[int, MarketInfo], dict[str, Any] | None]:
        if pictured:
            supposed["grid"] = grid_of(pictured, client.markets.values())
        if offline:
            told: dict[str | int, MarketInfo] = {}

            def find(market: str | int) -> MarketInfo:
                told[market] = client.market(market)
                return told[market]

            request = risk_request(find, wanted, **supposed)
            found, proven, trusted = await risk_offline(session, request, told.values(), rpc, trust, save)
            return found.answer, proven, proof_data(found, trusted, named=bool(trust))
        reply = await client.risk(wanted, **supposed)
        return reply, {info.market: info for info in client.markets.values()}, None

    if inputs:
        found, infos, trusted = risk_from_file(inputs, wanted, supposed, pictured, trust)
        reply, proof = found.answer, proof_data(found, trusted, named=bool(trust))
    else:
        reply, infos, proof = ask(session, work)
    data = {"owner": wanted.owner.hex(), "number": wanted.number, "height": reply.height,
            "before": account_data(reply.before, infos)}
    if supposes:
        data |= {"after": account_data(reply.after, infos), "results": [_result(one) for one in reply.results],
                 "fills": [fill_row(infos[one.market], one) for one in reply.fills],
                 "trading_fees_usd": plain(usd(reply.trading_fees_quanta))}
    if proof:
        data["proof"] = proof
    shown = risk_text(who, data, reply, infos, supposes, every)
    if pictured and reply.HasField("scenarios"):
        table = table_of(pictured.partition("-")[0], reply.scenarios, reply.after.equity_quanta)
        data["scenarios"] = table_data(table)
        shown += [heat_map(table), lines(table)]
        if picture:
            save_picture(table, picture)
            shown.append(f"picture in {picture}")
    session.emit(data, [*shown, proof_text(proof)] if proof else shown)


def _ppm(text: str) -> int:
    try:
        ppm = decimal(text.removesuffix("%"), "shock") * 10_000
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    if ppm != int(ppm):
        fail(f"a shock of {text} is finer than 0.0001%", EXIT_USAGE)
    return int(ppm)


NEEDS = {"--picture": ["--scenarios"], "--save": ["--offline"], "--trust": ["--offline", "--inputs"],
         "--shock": ["--system"], "--everybody": ["--reduction"]}  # one of these
ALONE = {"--system": {"--shock", "--rows"}, "--reduction": {"WHO", "--price", "--everybody"}}  # take these alone


def check_together(given: dict[str, Any]) -> None:
    """Refuse what cannot be asked together, so that nothing is answered without the half of it."""
    named = [name for name, value in given.items() if value]
    if ("--system" in named) == ("WHO" in named):
        fail("give either WHO or --system", EXIT_USAGE)
    for name in named:
        if name in NEEDS and not set(NEEDS[name]) & set(named):
            fail(f"{name} needs {' or '.join(NEEDS[name])}", EXIT_USAGE)
        for other in named:
            if name in ALONE and other not in ALONE[name] | {name}:
                why = ": it looks at everybody, and no proof shows that a list of accounts is whole; ask a node of " \
                      "your own" if other in ("--offline", "--inputs") else ""
                fail(f"{name} and {other} do not go together{why}", EXIT_USAGE)
    if "--offline" in named and "--inputs" in named:
        fail("give either --offline, to ask a node for proofs, or --inputs, for a file of them", EXIT_USAGE)


def show_system(session: Session, shocks_ppm: list[int], every: bool) -> None:
    """The whole system under shocks, or in every row of portfolio margin: whom they would hurt, and whether insurance
    would do.
    """
    async def work(client: NovationClient) -> tuple[Any, dict[int, MarketInfo]]:
        found = await client.stress(shocks_ppm, grid=every)
        return found, {info.market: info for info in client.markets.values()}

    reply, infos = ask(session, work)
    names = {market: info.symbol for market, info in infos.items()}
    feeds = {0: "all"} | {info.record.feed: info.symbol.partition("-")[0] for _, info in sorted(infos.items())}
    rows = [{"underlying": feeds[one.feed], "shock": percent(one.shock_ppm), "short": one.short, **_owed(one)}
            for one in reply.rows]
    grid = [{"underlying": feeds[one.feed], "row": moved(one.price_ppm, one.volatility), **_owed(one)}
            for one in reply.grid]
    funds = {names[one.market]: plain(usd(one.balance_quanta)) for one in reply.funds}
    data = {"height": reply.height, "accounts": reply.accounts, "funds_usd": funds, "rows": rows, "grid": grid}

    def text() -> list[Any]:
        held = ", ".join(f"{symbol} {amount}" for symbol, amount in funds.items()) or "none"
        whole = [one for one in reply.rows if not one.feed]
        tables = [rows_table(one, "nobody holds anything") for one in (rows, grid) if one or not every]
        return [f"{reply.accounts} accounts hold something at height {reply.height}; insurance in USD: {held}",
                *tables, *(_bar(percent(one.shock_ppm), one.short, reply.accounts) for one in whole)]

    session.emit(data, text)


def _owed(one: risk_service.StressRow | risk_service.StressGridRow) -> dict[str, Any]:
    """Who owes in a row, and who would pay."""
    return {"below_zero": one.below_zero, "shortfall_usd": plain(usd(one.shortfall_quanta)),
            "funds_pay_usd": plain(usd(one.fund_pays_quanta)), "left_usd": plain(usd(one.left_quanta)),
            "not_valued": one.not_valued}


def _bar(shock: str, short: int, accounts: int) -> str:
    filled = -(-short * BAR // accounts) if accounts else 0
    return f"{shock:>8} {'█' * filled}{'·' * (BAR - filled)} {short} of {accounts} short"


def show_reduction(session: Session, who: str, wanted: Any, market: str, marks: dict[str, str],
                   everybody: bool) -> None:
    """What a reduction would take of an account."""
    async def work(client: NovationClient) -> tuple[Any, MarketInfo]:
        return await client.reduction(market, wanted, prices=dict(marks), everybody=everybody), client.market(market)

    reply, info = ask(session, work)
    data = {"market": info.symbol, "height": reply.height, "mark": price_text(info, reply.mark_quanta),
            "held": plain(info.units.size(reply.held_lots)), "taken": plain(info.units.size(reply.taken_lots)),
            "given_up_usd": plain(usd(reply.given_up_quanta)), "net_profit_usd": plain(usd(reply.net_profit_quanta)),
            "losers": reply.losers, "losers_size": plain(info.units.size(reply.loser_lots)),
            "deficit_usd": plain(usd(reply.deficit_quanta)), "fund_pays_usd": plain(usd(reply.fund_paid_quanta)),
            "winners": reply.winners, "others": reply.others, "behind": percent(reply.behind_ppm)}
    closed = "all" if everybody else "who has no equity left"
    session.emit(data, lambda: [
        f"{who} holds {data['held']} {info.symbol}; at a mark of {data['mark']} {reply.losers} accounts of the other "
        f"side ({closed}) would be closed: {data['losers_size']}, {data['deficit_usd']} USD short, of which the fund "
        f"pays {data['fund_pays_usd']}.",
        f"It would close {data['taken']} of it and give up {data['given_up_usd']} USD.",
        f"Of {data['others']} others on its side {data['behind']} have less net profit and would lose less."])


def _halves(text: str) -> tuple[str, str]:
    market, equals, price = text.partition("=")
    if not equals or not market or not price:
        fail(f"{text!r} is not MARKET=PRICE, like BTC-PERP=41000 or BTC-PERP=-10%", EXIT_USAGE)
    return market, price


def _move(text: str) -> Supposed:
    market, changes = _halves(text)
    price, _, volatility = changes.partition(",")
    try:
        change_ppm(price), change_ppm(volatility or "0%")
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    return suppose_move(market, price, volatility or "0%")


def _parsed(text: str, make: Any) -> Supposed:
    words = text.replace("@", " ").split()
    if len(words) != 4 or words[0] not in ("buy", "sell"):
        fail(f"{text!r} is not 'SIDE SIZE MARKET PRICE', like 'buy 0.1 BTC-PERP 46000'", EXIT_USAGE)
    side, size, market, price = words
    supposed: Supposed = make(market, side, size, price)
    return supposed


def account_data(account: risk_service.AccountRisk, infos: dict[int, MarketInfo]) -> dict[str, Any]:
    """An account's standing as plain data."""
    money = {f"{name}_usd": plain(usd(getattr(account, f"{name}_quanta"))) for name in MONEY}
    return money | {"positions": [_position(infos[one.market], one) for one in account.positions],
                    "underlyings": [_underlying(infos, one) for one in account.underlyings],
                    "greeks": [_greeks(one, account, infos) for one in account.sensitivities],
                    "mode": "portfolio" if account.portfolio else "standard",
                    "modes": modes_data(account), "tails": [tail_data(one, infos) for one in account.tails]}


def _position(info: MarketInfo, one: risk_service.PositionRisk) -> dict[str, Any]:
    return {"market": info.symbol, "size": plain(info.units.size(one.lots)), "mark": price_text(info, one.mark_quanta),
            "value_usd": plain(usd(one.value_quanta)), "profit_usd": plain(usd(one.unrealised_quanta)),
            "funding_usd": plain(usd(one.funding_quanta)), "initial_usd": plain(usd(one.initial_quanta)),
            "maintenance_usd": plain(usd(one.maintenance_quanta)), "share": percent(one.share_ppm),
            "liquidated_below": price_text(info, one.safe.lower_quanta),
            "liquidated_above": price_text(info, one.safe.upper_quanta)}


def _underlying(infos: dict[int, MarketInfo], one: risk_service.UnderlyingRisk) -> dict[str, Any]:
    first = infos[one.markets[0]]
    return {"underlying": one.name, "price": _feed_price(one.price, one),
            "markets": [infos[market].symbol for market in one.markets],
            "liquidated_below": price_text(first, one.safe.lower_quanta),
            "liquidated_above": price_text(first, one.safe.upper_quanta),
            "short": [[_feed_price(span.lower, one), _feed_price(span.upper, one)] for span in one.short]}


def _feed_price(price: int, one: risk_service.UnderlyingRisk) -> str:
    return plain(Decimal(price).scaleb(-one.decimals)) if price else "-"


def _greeks(one: risk_service.Sensitivity, account: risk_service.AccountRisk,
            infos: dict[int, MarketInfo]) -> dict[str, Any]:
    """As traders say them: for 1 % of the price, a point of volatility, a day."""
    name = next(infos[held.market].symbol for held in account.positions
                if infos[held.market].record.feed == one.feed).partition("-")[0]
    return {"underlying": name, "expiry": when(one.expiry_ns) if one.expiry_ns else "-",
            "delta_usd": plain(usd(one.delta_quanta)), "delta_1pct_usd": plain(usd(one.delta_quanta) / 100),
            "gamma_1pct_usd": plain(usd(one.gamma_quanta) / 10_000),
            "vega_point_usd": plain(usd(one.vega_quanta) / 100), "theta_day_usd": plain(usd(one.theta_quanta))}


def _result(one: Any) -> dict[str, Any]:
    return {"reason": one.reason or "done", "order_id": one.order_id, "filled_lots": one.filled_lots,
            "open_lots": one.open_lots}


def fill_row(info: MarketInfo, one: Any) -> dict[str, Any]:
    return {"market": info.symbol, "taker": SIDES.get(one.taker_side, "?"),
            "price": price_text(info, one.price_quanta), "size": plain(info.units.size(one.size_lots)),
            "taker_fee_usd": plain(usd(one.taker_fee_quanta))}


def risk_text(who: str, data: dict[str, Any], reply: risk_service.GetRiskResponse, infos: dict[int, MarketInfo],
              supposes: bool, every: bool) -> list[Any]:
    """The answer for people: money before and after, positions, what orders would do, and where liquidation lies."""
    table = simple_table("USD", f"{who} at height {reply.height}", *(["supposed", "change"] if supposes else []))
    for name in MONEY:
        before, after = (getattr(one, f"{name}_quanta") for one in (reply.before, reply.after))
        table.add_row(name, dollars(before), *([dollars(after), f"{usd(after - before):+,.2f}"] if supposes else []))
    shown: list[Any] = [table]
    last, positions = ("after", reply.after.positions) if supposes else ("before", reply.before.positions)
    shown.append(rows_table(data[last]["positions"], "no positions"))
    if positions:
        shown.append("liquidated below, above: by that market's price alone, all others staying; an underlying moves "
                     "with all that follows it")
    shown += [picture(infos[one.market], one) for one in positions
              if one.lots and infos[one.market].record.kind != state_pb2.MARKET_KIND_OPTION]
    groups = [{**one, "markets": ", ".join(one["markets"][:NAMED]) + " …" * (len(one["markets"]) > NAMED),
               "short": "; ".join(span_text(*span) for span in one["short"]) or "-"}
              for one in data[last]["underlyings"]]
    greeks = [{"greeks": f"{one['underlying']} {one['expiry'].removesuffix('-')}",
               **{name: one[name] for name in one if name.endswith("_usd")}} for one in data[last]["greeks"]]
    shown += [rows_table(rows, "") for rows in (groups, greeks, data[last]["modes"]) if rows]
    shown += tails_text(data[last]["tails"], every)
    if supposes and data["results"]:
        shown += [rows_table(data["results"], ""), rows_table(data["fills"], "no fills"),
                  f"trading fees {data['trading_fees_usd']} USD"]
    if (reply.after if supposes else reply.before).excess_quanta < 0:
        shown.append("short of maintenance margin: to be liquidated")
    return shown


def span_text(lower: str, upper: str) -> str:
    """Prices at which an account is short, for people."""
    if "-" in (lower, upper):
        return "at all prices" if lower == upper else f"{upper} and below" if lower == "-" else f"{lower} and above"
    return f"{lower} to {upper}"


def picture(info: MarketInfo, one: risk_service.PositionRisk) -> str:
    """Where the mark stands between half and twice itself, and which prices would liquidate (x)."""
    least, most = one.mark_quanta // 2, one.mark_quanta * 2
    cells = []
    for step in range(BAR + 1):
        price = least + (most - least) * step // BAR
        below = one.safe.lower_quanta and price <= one.safe.lower_quanta
        above = one.safe.upper_quanta and price >= one.safe.upper_quanta
        cells.append("x" if below or above else "·")
    cells[(one.mark_quanta - least) * BAR // (most - least)] = "|"
    return (f"{info.symbol:<12} {price_text(info, least):>10} {''.join(cells)} {price_text(info, most):<10} "
            f"| is the mark, x liquidates")


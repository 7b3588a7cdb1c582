"""`novation query`: what the chain says, in decimals for people, in decimals and integers for scripts."""

import base64
import json
from collections import Counter
from typing import Any

import click
from rich.table import Table

from client.client import NovationClient
from client.light_proofs import Operator, ProofError, verify_absence, verify_value
from client.results import MarketInfo
from client.units import usd
from node.cli.chain import account_id, ask, comet_address
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, Verbs, command, fail, simple_table
from node.cli.views import (
    LISTED,
    SIDES,
    asset_row,
    auction_row,
    dollars,
    facts_table,
    market_data_of,
    option_groups,
    order_row,
    percent,
    plain,
    position_row,
    rows_table,
    trigger_row,
    when,
)
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.records import RECORDS, as_data
from novation.v1 import state_pb2


@click.group(cls=Verbs)
def query() -> None:
    """Ask about markets, books, options, trades, accounts, risk, prices, blocks. Nothing here needs a key.

    Prices are USD for one of the base asset, sizes and open interest are in it; times are UTC; rates are shares.
    """


@command(query)
@click.argument("symbol", default="")
@click.option("--all", "every", is_flag=True, help="A line for each series of options, too.")
def market(session: Session, symbol: str, every: bool) -> None:
    """All markets, or all there is to know of the one called SYMBOL: status, prices, funding, margin, fees, fund.

    Options stand together by expiry; `novation query options` shows them. JSON has every market.
    """

    async def work(client: NovationClient) -> tuple[list[Any], dict[str, MarketInfo]]:
        summaries = await client.refresh_markets()
        wanted = client.market(symbol).market if symbol else 0
        return [one for one in summaries if not wanted or one.market.market == wanted], client.markets

    summaries, infos = ask(session, work)
    rows = [market_data_of(infos[one.market.symbol], one) for one in summaries]

    def text() -> Any:
        if symbol:
            return facts_table(symbol, rows[0])
        alone = [row for row in rows if every or row["kind"] != "option"]
        listed = [{name: "-" if row[name] is None else row[name] for name in LISTED} for row in alone]
        groups = [] if every else option_groups([row for row in rows if row["kind"] == "option"])
        return [rows_table(listed, "no markets"), *(["", rows_table(groups, "")] if groups else [])]

    session.emit(rows, text)


@command(query)
@click.argument("symbol")
@click.option("--depth", metavar="LEVELS", default=10, show_default=True, help="Levels on each side.")
def book(session: Session, symbol: str, depth: int) -> None:
    """The best levels of the book of SYMBOL."""

    async def work(client: NovationClient) -> tuple[Any, MarketInfo]:
        return await client.book(symbol, depth), client.market(symbol)

    reply, info = ask(session, work)

    def rows(levels: Any) -> list[dict[str, Any]]:
        return [{"price": plain(info.units.price(level.price_quanta)), "size": plain(info.units.size(level.size_lots)),
                 "orders": level.orders} for level in levels]

    bids, asks = rows(reply.book.bids), rows(reply.book.asks)

    def text() -> Table | str:
        table = simple_table("side", "price", "size", "orders", title=f"{info.symbol} at height {reply.height}")
        for row in reversed(asks):
            table.add_row("[red]ask[/red]", row["price"], row["size"], str(row["orders"]))
        for row in bids:
            table.add_row("[green]bid[/green]", row["price"], row["size"], str(row["orders"]))
        return table if bids or asks else f"no orders in {info.symbol} at height {reply.height}"

    session.emit({"symbol": info.symbol, "height": reply.height, "bids": bids, "asks": asks}, text)


@command(query)
@click.argument("symbol")
@click.option("--limit", metavar="N", default=20, show_default=True, help="How many, newest first.")
def trades(session: Session, symbol: str, limit: int) -> None:
    """Recent trades of SYMBOL, newest first."""

    async def work(client: NovationClient) -> tuple[list[Any], MarketInfo]:
        return await client.trades(symbol, limit), client.market(symbol)

    found, info = ask(session, work)
    rows = [{"trade_id": one.trade_id, "time": when(one.time_ns), "taker": SIDES.get(one.taker_side, "?"),
             "price": plain(info.units.price(one.price_quanta)), "size": plain(info.units.size(one.size_lots)),
             "height": one.height} for one in found]
    session.emit(rows, lambda: rows_table(rows, f"no trades in {info.symbol} yet"))


@command(query)
@click.argument("who")
def account(session: Session, who: str) -> None:
    """Money, margin and positions of WHO: a key's name or 40 hex digits, also with /NUMBER."""
    wanted = account_id(session, who)

    async def work(client: NovationClient) -> tuple[Any, dict[int, MarketInfo]]:
        return await client.account(wanted), {info.market: info for info in client.markets.values()}

    reply, infos = ask(session, work)
    if not reply.exists:
        fail(f"the account {wanted.owner.hex()}/{wanted.number} holds nothing yet: on a test network "
             f"`novation faucet {who}`")
    money = {name: getattr(reply, f"{name}_quanta") for name in
             ("cash", "equity", "unrealised_pnl", "initial_margin", "maintenance_margin", "free_collateral")}
    positions = [position_row(infos[one.position.market], one) for one in reply.positions if one.position.lots]
    assets = [asset_row(one) for one in reply.assets]
    auction = auction_row(reply.auction) if reply.HasField("auction") else None
    data = {"owner": wanted.owner.hex(), "number": wanted.number, "height": reply.height,
            **{f"{name}_usd": plain(usd(value)) for name, value in money.items()},
            "open_orders": reply.open_orders, "liquidatable": reply.liquidatable, "auction": auction,
            "positions": positions, "assets": assets}

    def text() -> list[Any]:
        table = simple_table("USD", f"{who} at height {reply.height}")
        for name, value in money.items():
            table.add_row(name.replace("_", " "), dollars(value))
        table.add_row("open orders", str(reply.open_orders))
        if auction:
            table.add_row("in auction", f"since {auction['since']}, at a discount of {auction['discount']}")
        elif reply.liquidatable:
            table.add_row("liquidation", "equity is below maintenance margin: it is being closed")
        return [table, rows_table(positions, "no positions"), *([rows_table(assets, "")] if assets else [])]

    session.emit(data, text)


@command(query)
@click.argument("who")
def fees(session: Session, who: str) -> None:
    """Volume of 30 days, tier, rates and referrer of WHO: a key's name or 40 hex digits."""
    wanted = account_id(session, who)

    async def work(client: NovationClient) -> tuple[Any, dict[int, MarketInfo]]:
        return await client.fees(wanted), {info.market: info for info in client.markets.values()}

    reply, infos = ask(session, work)
    rows = [{"market": infos[one.market].symbol, "maker": percent(one.maker_ppm), "taker": percent(one.taker_ppm)}
            for one in reply.rates]
    data = {"owner": wanted.owner.hex(), "height": reply.height, "volume_usd": plain(usd(reply.volume_quanta)),
            "tier": reply.tier, "next_tier_usd": plain(usd(reply.next_tier_quanta)) if reply.next_tier_quanta else None,
            "referrer": reply.referrer.hex() or None, "rates": rows}

    def text() -> list[Any]:
        alike = [{**row, "market": f"options on {infos[one.market].symbol.split('-')[0]}"}
                 if infos[one.market].record.kind == state_pb2.MARKET_KIND_OPTION else row
                 for one, row in zip(reply.rates, rows, strict=True)]
        shown = [row for place, row in enumerate(alike) if row not in alike[:place]]
        beyond = f"; the next begins at {dollars(reply.next_tier_quanta)}" if reply.next_tier_quanta else ""
        return [f"{who}: {dollars(reply.volume_quanta)} USD in 30 days, tier {reply.tier}{beyond}; "
                f"referrer {data['referrer'] or 'none'} (height {reply.height})", rows_table(shown, "no markets")]

    session.emit(data, text)


@command(query)
@click.argument("who")
@click.option("--market", "symbol", metavar="SYMBOL", default="", help="Only this market.")
def orders(session: Session, who: str, symbol: str) -> None:
    """Open orders and triggers of WHO: a key's name or 40 hex digits, also with /NUMBER."""
    wanted = account_id(session, who)

    async def work(client: NovationClient) -> tuple[list[Any], list[Any], dict[int, MarketInfo]]:
        client.account_id = wanted
        found = await client.own_orders(symbol or None)
        return list(found.orders), list(found.triggers), {info.market: info for info in client.markets.values()}

    found, waiting, infos = ask(session, work)
    rows = [order_row(infos[one.order_id >> 40], one) for one in found]
    triggers = [trigger_row(infos[one.trigger_id >> 40], one) for one in waiting]
    session.emit({"orders": rows, "triggers": triggers},
                 lambda: [rows_table(rows, "no open orders"), *([rows_table(triggers, "")] if triggers else [])])


@command(query)
@click.option("--limit", metavar="N", default=100, show_default=True, help="How many at most.")
def auctions(session: Session, limit: int) -> None:
    """Accounts in auction, those with the greatest discount first; `novation tx bid` takes part of one."""

    async def work(client: NovationClient) -> list[Any]:
        return await client.auctions(limit)

    rows = [auction_row(one) for one in ask(session, work)]
    session.emit(rows, lambda: rows_table(rows, "no account is in auction"))


@command(query)
@click.argument("height", type=int, default=0)
@click.option("--txs", is_flag=True, help="With its transactions and events.")
def block(session: Session, height: int, txs: bool) -> None:
    """The latest block, or the one at HEIGHT.

    With --txs the events of a block are counted; `--output json` has each.
    """

    async def work(client: NovationClient) -> Any:
        return await client.block(height, with_txs=txs)

    found = ask(session, work)
    data = as_data(found) | {"app_hash": found.app_hash.hex(), "time": when(found.time_ns)}
    names = ("height", "time", "app_hash", "txs_count", "failed_txs_count", "actions_count", "fills_count")
    lines = [f"{name.replace('_', ' '):<18}{data.get(name, 0)}" for name in names]
    for one in found.txs:
        done = ", ".join(action.reason or "done" for action in one.result.actions)
        lines.append(f"  {one.hash.hex()}  {one.result.reason or done}")
    happened = Counter(event.WhichOneof("kind") for one in (*found.txs, found) for event in one.events)
    lines += [f"  {count:>5} x {kind.replace('_', ' ')}" for kind, count in sorted(happened.items())]
    session.emit(data, "\n".join(lines))


@command(query)
@click.argument("tx_hash", metavar="HASH")
def tx(session: Session, tx_hash: str) -> None:
    """What became of the envelope HASH (64 hex digits)."""
    try:
        wanted = bytes.fromhex(tx_hash)
    except ValueError:
        wanted = b""
    if len(wanted) != 32:
        fail(f"{tx_hash!r} is not a hash of 64 hex digits", EXIT_USAGE)

    async def work(client: NovationClient) -> Any:
        return await client.tx(wanted)

    found = ask(session, work)
    lines = [f"height {found.tx_height}, place {found.index}, {when(found.time_ns)}"]
    lines += [f"  action {index}: {one.reason or 'done'}"
              + (f", order {one.order_id}, filled {one.filled_lots} lots" if one.order_id else "")
              for index, one in enumerate(found.tx.result.actions)]
    session.emit(as_data(found), "\n".join(lines))


@command(query)
def params(session: Session) -> None:
    """The parameters of the chain; units last in their names: quanta are millionths of a USD, ppm millionths, ns
    nanoseconds.
    """

    async def work(client: NovationClient) -> Any:
        return client.params

    found = ask(session, work)
    data = as_data(found) | {"authority": found.authority.hex()}
    session.emit(data, facts_table("parameters", data))


rpc_option = click.option("--rpc", metavar="HOST:PORT", help="CometBFT's RPC, when it cannot be found by itself.")


def _comet(session: Session, rpc: str | None) -> CometRpc:
    return CometRpc(comet_address(session, rpc))


@command(query)
@click.argument("table")
@click.argument("key")
@rpc_option
def proof(session: Session, table: str, key: str, rpc: str | None) -> None:
    """Prove the record KEY (hex, or text like `usd`) of TABLE, or its absence, against the header that states it.

    The key of an account and its orders is the owner with the number in 8 hex digits, that of a market its number in 8.

    The header is the one this node gives: to trust nobody, check it with a light client.
    """
    if table not in RECORDS:
        fail(f"no table {table!r}: there are {', '.join(RECORDS)}", EXIT_USAGE)
    with _comet(session, rpc) as comet:
        try:
            data = prove(comet, table, _key_bytes(key))
        except ProofError as error:
            fail(f"the node's proof does not hold: {error}")
        except (RpcUnreachable, RpcError) as error:
            fail(f"{error}; is the node running? `novation status`", EXIT_UNREACHABLE)
    record = RECORDS[table].FromString(bytes.fromhex(data["value"]))
    data["record"] = as_data(record) if data["present"] else None
    found = f"{json.dumps(data['record'])}\n" if data["present"] else "no such record, "
    session.emit(data, f"{table} {key}: {found}proven at height {data['height']} by {data['operators']} operators: "
                       f"app hash {data['app_hash']} (in the header of {data['height'] + 1})")


def _key_bytes(key: str) -> bytes:
    try:
        return bytes.fromhex(key)
    except ValueError:
        return key.encode("utf-8")


def prove(comet: CometRpc, table: str, key: bytes) -> dict[str, Any]:
    """Ask for a record with its proof and check it. Raises ProofError, RpcError, RpcUnreachable."""
    reply = comet.call("abci_query", path=f"/ics23/{table}/key", data=key.hex(), prove=True)["response"]
    if reply.get("code"):
        raise RpcError(int(reply["code"]), str(reply.get("log", "")))
    height = int(reply["height"])
    value = base64.b64decode(reply.get("value") or "")
    steps = (reply.get("proofOps") or {}).get("ops") or []
    operators = [Operator(one["type"], base64.b64decode(one["key"]), base64.b64decode(one["data"])) for one in steps]
    app_hash = bytes.fromhex(comet.app_hash(height + 1))
    if value:
        verify_value(app_hash, table, key, value, operators)
    else:
        verify_absence(app_hash, table, key, operators)
    return {"table": table, "key": key.hex(), "present": bool(value), "value": value.hex(), "height": height,
            "app_hash": app_hash.hex(), "operators": len(operators)}

"""What must hold of stored records, summed from the wire form alone: no code of `app` decodes or adds here."""

from collections.abc import Iterator

from google.protobuf.message import Message

from app.store.view import Reader
from novation.v1 import state_pb2

# The key space of each table, as app/registry.py numbers them (b"r", number).
TABLES: dict[str, tuple[int, type[Message]]] = {
    "params": (1, state_pb2.Params), "accounts": (2, state_pb2.Account),
    "agents": (36, state_pb2.Agents), "vault": (3, state_pb2.Vault),
    "funds": (4, state_pb2.Fund), "markets": (5, state_pb2.Market), "totals": (6, state_pb2.MarketTotals),
    "assets": (15, state_pb2.Asset),
    "marks": (7, state_pb2.MarkPrice), "books": (8, state_pb2.BookState), "orders": (9, state_pb2.OpenOrders),
    "protections": (13, state_pb2.Protection), "switches": (14, state_pb2.Switch),
    "triggers": (12, state_pb2.Triggers), "backlog": (19, state_pb2.Backlog),
    "funding": (10, state_pb2.Funding), "traders": (16, state_pb2.Trader), "fee_terms": (20, state_pb2.FeeTerms),
    "option_classes": (30, state_pb2.OptionClass), "fixings": (33, state_pb2.Settlement),
    "listing": (34, state_pb2.Listing), "portfolios": (31, state_pb2.PortfolioTerms), "anchors": (32, state_pb2.Anchor),
    "settlements": (11, state_pb2.Settlement),
    "validators": (21, state_pb2.ValidatorSets), "feeds": (22, state_pb2.Feed), "surfaces": (23, state_pb2.Surface),
    "reporters": (24, state_pb2.Reporters),
    "auctions": (17, state_pb2.Auction), "losses": (18, state_pb2.Losses),
    "breakers": (26, state_pb2.Breakers), "flows": (27, state_pb2.Flow),
    "sweeps": (28, state_pb2.Sweep), "clock": (60, state_pb2.Clock),
}


def records(reader: Reader, table: str) -> Iterator[tuple[bytes, Message]]:
    """(key, message) of all stored records of a table."""
    prefix, message = TABLES[table]
    space = b"r" + bytes([prefix])
    for key, value in reader.scan(space):
        yield key[len(space):], message.FromString(value)


def record(reader: Reader, table: str, key: bytes) -> Message | None:
    """One stored record, or None."""
    prefix, message = TABLES[table]
    value = reader.get(b"r" + bytes([prefix]) + key)
    return None if value is None else message.FromString(value)


def earned(reader: Reader) -> int:
    """What the chain took in fees: all funds but the funding pools, which belong to traders."""
    return sum(fund.balance_quanta for key, fund in records(reader, "funds")  # type: ignore[attr-defined]
               if not key.startswith((b"funding/", b"asset/")))


def book(reader: Reader, market: int) -> dict[int, list[tuple[bytes, state_pb2.Order]]]:
    """Open orders of a market by side, best price first, then by priority, each with its account."""
    sides: dict[int, list[tuple[bytes, state_pb2.Order]]] = {1: [], 2: []}
    for account, stored in records(reader, "orders"):
        for order in stored.orders:  # type: ignore[attr-defined]
            if order.order_id >> 40 == market:
                sides[order.side].append((account, order))
    sides[1].sort(key=lambda entry: (-entry[1].price_quanta, entry[1].priority))
    sides[2].sort(key=lambda entry: (entry[1].price_quanta, entry[1].priority))
    return sides


def check(reader: Reader) -> None:
    """Every conservation law of the ledger; AssertionError names the one that fails."""
    accounts = dict(records(reader, "accounts"))
    orders = dict(records(reader, "orders"))
    held = {0: sum(account.cash_quanta for account in accounts.values())}  # type: ignore[attr-defined]
    for account in accounts.values():
        for balance in account.assets:  # type: ignore[attr-defined]
            held[balance.asset] = held.get(balance.asset, 0) + balance.units
    for table, field, sign in (("funds", "balance_quanta", 1), ("vault", "held_quanta", -1)):
        for key, stored in records(reader, table):
            asset = int.from_bytes(key[6:10], "big") if key.startswith(b"asset/") else 0
            held[asset] = held.get(asset, 0) + sign * getattr(stored, field)
    assert not any(held.values()), f"accounts and funds do not make the vaults: {held}"
    lots: dict[int, int] = {}
    longs: dict[int, int] = {}
    for key, account in accounts.items():
        markets = [position.market for position in account.positions]  # type: ignore[attr-defined]
        assert markets == sorted(set(markets)), "positions stand in the order of their markets"
        check_open_sums(key, account, orders.get(key))
        for position in account.positions:  # type: ignore[attr-defined]
            lots[position.market] = lots.get(position.market, 0) + position.lots
            longs[position.market] = longs.get(position.market, 0) + max(0, position.lots)
    assert not any(lots.values()), f"lots do not sum to zero: {lots}"
    for key, totals in records(reader, "totals"):
        market = int.from_bytes(key, "big")
        assert totals.open_interest_lots == longs.get(market, 0), f"open interest of {market}"  # type: ignore[attr-defined]
    assert orders.keys() <= accounts.keys(), "orders without an account"
    for market_key, _ in records(reader, "markets"):
        sides = book(reader, int.from_bytes(market_key, "big"))
        if sides[1] and sides[2]:
            assert sides[1][0][1].price_quanta < sides[2][0][1].price_quanta, "the book is crossed"


def check_open_sums(key: bytes, account: Message, orders: Message | None) -> None:
    """The account's open-order sums are the sums over its orders, and no order is empty."""
    sums: dict[tuple[int, int], list[int]] = {}
    for order in orders.orders if orders else ():  # type: ignore[attr-defined]
        assert order.open_lots > 0 and order.price_quanta > 0
        total = sums.setdefault((order.order_id >> 40, order.side), [0, 0])
        total[0] += order.open_lots
        total[1] += order.open_lots * order.price_quanta
    for position in account.positions:  # type: ignore[attr-defined]
        said = {1: [position.open_buy_lots, position.open_buy_notional_quanta],
                2: [position.open_sell_lots, position.open_sell_notional_quanta]}
        for side in (1, 2):
            assert said[side] == sums.pop((position.market, side), [0, 0]), f"open sums of {key.hex()}"
    assert not sums, f"orders that the account {key.hex()} does not count"


def check_index(reader: Reader, books: dict) -> None:  # type: ignore[type-arg]
    """The book in memory is the book of the records: the same orders in the same order, nothing else."""
    markets = [int.from_bytes(key, "big") for key, _ in records(reader, "markets")]
    assert sorted(books) == sorted(markets)
    for market in markets:
        stored = book(reader, market)
        for side in (1, 2):
            indexed = [(order.account, order.order_id, order.open_lots, order.priority)
                       for order in books[market].side(side).best_first()]
            expected = [(account, order.order_id, order.open_lots, order.priority) for account, order in stored[side]]
            assert indexed == expected, f"market {market}, side {side}"

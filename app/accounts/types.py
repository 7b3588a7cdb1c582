"""The account record: cash, nonces, and what margin needs to know of each market."""

from dataclasses import dataclass, field
from typing import NamedTuple

from novation.v1 import state_pb2, tx_pb2


@dataclass(slots=True)
class Position:
    """One market of one account. A value: it is replaced, never changed in place.

    `lots` is signed (long > 0). `entry_quanta` is the signed cost of the open lots; it informs, it never settles. The
    open_ fields sum the account's resting orders. Funding is settled up to `funding_index_e9` (FUND-002).
    """

    market: int
    lots: int = 0
    entry_quanta: int = 0
    open_buy_lots: int = 0
    open_buy_notional_quanta: int = 0
    open_sell_lots: int = 0
    open_sell_notional_quanta: int = 0
    funding_index_e9: int = 0

    def is_empty(self) -> bool:
        """True when nothing is held and nothing rests: such a position is not stored."""
        return not (self.lots or self.open_buy_lots or self.open_sell_lots)


@dataclass(slots=True)
class Account:
    """One margin compartment. Profit is `cash_quanta` + sum of mark x lots; cash alone may be negative.

    `used_nonces` is a bit set: bit i says that `highest_nonce` - i was used. `assets` is collateral besides cash, as
    (asset, units) ascending by asset; it is replaced, never changed in place.
    """

    cash_quanta: int = 0
    highest_nonce: int = 0
    used_nonces: int = 0
    positions: dict[int, Position] = field(default_factory=dict)
    assets: tuple[tuple[int, int], ...] = ()
    portfolio: bool = False  # MARG-018: margined as a whole
    stamp: int = 0

    def copy(self) -> "Account":
        """A copy whose positions can be replaced without touching this one."""
        return Account(
            self.cash_quanta, self.highest_nonce, self.used_nonces, self.positions.copy(), self.assets, self.portfolio
        )

    def become(self, other: "Account") -> None:
        """Hold what `other` holds; nonces and mode stay its own."""
        self.cash_quanta, self.positions, self.assets = other.cash_quanta, other.positions, other.assets

    def units(self, asset: int) -> int:
        """How much of an asset it holds, in the asset's units."""
        return next((units for held, units in self.assets if held == asset), 0)

    def set_units(self, asset: int, units: int) -> None:
        """Hold `units` of an asset from here on; none is not stored."""
        others = [entry for entry in self.assets if entry[0] != asset]
        self.assets = tuple(sorted([*others, (asset, units)] if units else others))

    def position(self, market: int) -> Position:
        """The position in `market`, an empty one if there is none."""
        return self.positions.get(market) or Position(market)

    def set_position(self, position: Position) -> None:
        """Store `position`, or drop it when it is empty. ACCT-005: they stay ascending by market, as in the record, so
        that a node that has just started goes through them in the same order.
        """
        held, market = self.positions, position.market
        if position.is_empty():
            held.pop(market, None)
        elif market in held or not held or market > next(reversed(held)):
            held[market] = position
        else:
            self.positions = dict(sorted({**held, market: position}.items()))


class Agent(NamedTuple):
    """A key, by its address, that may trade for an account until a block time."""

    address: bytes
    expiry_time_ns: int


@dataclass(slots=True)
class Agents:
    """The agents of one account, ascending by address."""

    agents: tuple[Agent, ...] = ()
    stamp: int = 0

    def copy(self) -> "Agents":
        """A copy that may be changed."""
        return Agents(self.agents)


def encode(account: Account) -> bytes:
    """Deterministic record bytes: positions ascending by market."""
    used = account.used_nonces
    message = state_pb2.Account(
        cash_quanta=account.cash_quanta,
        highest_nonce=account.highest_nonce,
        used_nonces=used.to_bytes((used.bit_length() + 7) >> 3, "little"),
        margin_mode=tx_pb2.MARGIN_MODE_PORTFOLIO if account.portfolio else tx_pb2.MARGIN_MODE_UNSPECIFIED,
    )
    for market in sorted(account.positions):
        held = account.positions[market]
        message.positions.add(
            market=market,
            lots=held.lots,
            entry_quanta=held.entry_quanta,
            open_buy_lots=held.open_buy_lots,
            open_buy_notional_quanta=held.open_buy_notional_quanta,
            open_sell_lots=held.open_sell_lots,
            open_sell_notional_quanta=held.open_sell_notional_quanta,
            funding_index_e9=held.funding_index_e9,
        )
    for asset, units in account.assets:
        message.assets.add(asset=asset, units=units)
    return message.SerializeToString(deterministic=True)


def decode(_key: bytes, data: bytes) -> Account:
    """The inverse of `encode`."""
    message = state_pb2.Account.FromString(data)
    positions = {
        held.market: Position(
            held.market,
            held.lots,
            held.entry_quanta,
            held.open_buy_lots,
            held.open_buy_notional_quanta,
            held.open_sell_lots,
            held.open_sell_notional_quanta,
            held.funding_index_e9,
        )
        for held in message.positions
    }
    return Account(
        message.cash_quanta,
        message.highest_nonce,
        int.from_bytes(message.used_nonces, "little"),
        positions,
        tuple((held.asset, held.units) for held in message.assets),
        message.margin_mode == tx_pb2.MARGIN_MODE_PORTFOLIO,
    )

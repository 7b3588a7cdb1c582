"""A matching engine without cleverness: lists that are sorted again each time, and the rules as one reads them.

It shares nothing with `app` but the numbers of the wire. Accounts are rich, so margin never decides here.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.helpers.builders import (
    BUY,
    CANCEL_BOTH,
    CANCEL_MAKER,
    CANCEL_TAKER,
    FILL_OR_KILL,
    GOOD_TIL_CANCEL,
    IMMEDIATE_OR_CANCEL,
    POST_ONLY,
)

MOST_OPEN_ORDERS = 200
MOST_FILLS = 100
MOST_REMOVALS = 50


class Refused(Exception):
    """The action fails with this REASON and changes nothing."""


@dataclass
class Resting:
    """An open order."""

    order_id: int
    who: str
    side: int
    price: int
    lots: int
    reduce_only: bool
    client_id: int
    priority: int
    shown: int = 0
    display: int = 0
    expires: int = 0
    oco_id: int = 0


@dataclass
class Answer:
    """What an action did."""

    order_id: int = 0
    filled: int = 0
    quote: int = 0
    open: int = 0
    cancelled: int = 0


@dataclass
class Guard:
    """An account's protection: its level drains evenly; the fractions are exact."""

    limit: int
    window: int
    freeze: int
    level: Fraction = Fraction(0)
    since: int = 0
    frozen: int = 0


@dataclass
class NaiveBook:
    """One market: all open orders in one list, positions and cash in dicts, fees in a number."""

    market: int
    tick: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    orders: list[Resting] = field(default_factory=list)
    lots: dict[str, int] = field(default_factory=dict)
    cash: dict[str, int] = field(default_factory=dict)
    fees: int = 0
    sequence: int = 1
    trades: int = 0
    now: int = 0
    guards: dict[str, Guard] = field(default_factory=dict)
    tripped: list[str] = field(default_factory=list)

    def copy(self) -> "NaiveBook":
        """All of it, so that a refused action can be forgotten."""
        return NaiveBook(self.market, self.tick, self.maker_fee_ppm, self.taker_fee_ppm,
                         [Resting(**vars(order)) for order in self.orders], dict(self.lots), dict(self.cash), self.fees,
                         self.sequence, self.trades, self.now,
                         {who: Guard(**vars(guard)) for who, guard in self.guards.items()}, list(self.tripped))

    def begin(self, now: int) -> None:
        """A block begins: what expired goes."""
        self.now = now
        self.orders = [order for order in self.orders if not 0 < order.expires < now]

    def end(self) -> None:
        """A block ends: the orders of accounts whose protection tripped go."""
        self.orders = [order for order in self.orders if order.who not in self.tripped]
        self.tripped.clear()

    def protect(self, who: str, limit: int, window: int, freeze: int) -> Answer:
        """Set a protection anew, or take it away."""
        self.guards.pop(who, None)
        if limit:
            self.guards[who] = Guard(limit, window, freeze)
        return Answer()

    def queue(self, side: int) -> list[Resting]:
        """The open orders of a side, best price first, then the oldest."""
        sign = -1 if side == BUY else 1
        mine = [order for order in self.orders if order.side == side]
        return sorted(mine, key=lambda order: (sign * order.price, order.priority))

    def of(self, who: str) -> list[Resting]:
        """One account's open orders, oldest first."""
        return sorted((order for order in self.orders if order.who == who), key=lambda order: order.order_id)

    def reducible(self, who: str, side: int) -> int:
        """How much of the account's position an order of this side could close."""
        held = self.lots.get(who, 0)
        return max(0, -held if side == BUY else held)

    def place(self, who: str, side: int, price: int, lots: int, kind: int, *, reduce_only: bool = False,
              client_id: int = 0, stp: int = 0, expires: int = 0, display: int = 0, oco_id: int = 0,
              again: bool = False) -> Answer:
        """Place an order. Raises Refused; the caller restores the copy it made."""
        if (expires or display or oco_id) and kind not in (GOOD_TIL_CANCEL, POST_ONLY):
            raise Refused("ORDER_TIME_IN_FORCE")
        if 0 < expires < self.now:
            raise Refused("ORDER_EXPIRED")
        if display and lots > 50 * display:
            raise Refused("ORDER_DISPLAY")
        if oco_id and not again and sum(order.oco_id == oco_id for order in self.of(who)) >= 4:
            raise Refused("ORDER_GROUP")
        self.check_terms(price, lots)
        guard = self.guards.get(who)
        if guard and guard.frozen > self.now and kind in (GOOD_TIL_CANCEL, POST_ONLY):
            raise Refused("ORDER_PROTECTED")
        if client_id and any(order.client_id == client_id for order in self.of(who)):
            raise Refused("ORDER_CLIENT_ID_USED")
        if reduce_only:
            lots = min(lots, self.reducible(who, side))
            if not lots:
                raise Refused("ORDER_REDUCES_NOTHING")
        sign = 1 if side == BUY else -1
        meets = [order for order in self.queue(3 - side) if sign * order.price <= sign * price]
        if kind == POST_ONLY and meets:
            raise Refused("ORDER_WOULD_CROSS")
        order_id = self.market << 40 | self.sequence
        order = Resting(order_id, who, side, price, lots, reduce_only, client_id, self.sequence,
                        display=display, expires=expires, oco_id=oco_id)
        had_open = len(self.of(who))
        answer, stopped = self.match(order, meets, stp or CANCEL_MAKER)
        if kind == FILL_OR_KILL and order.lots:
            raise Refused("ORDER_NOT_FILLABLE")
        if order.lots and kind in (GOOD_TIL_CANCEL, POST_ONLY) and not stopped:
            if had_open >= MOST_OPEN_ORDERS:
                raise Refused("ORDER_LIMIT")
            self.orders.append(order)
            order.shown = min(order.lots, display or order.lots)
            answer.open = order.lots
        if answer.filled and oco_id:
            self.close_group(order)
        self.sequence += 1
        answer.order_id = order.order_id
        return answer

    def match(self, order: Resting, meets: list[Resting], stp: int) -> tuple[Answer, bool]:
        """Trade an incoming order against what it meets. The second value: its rest must not go on the book."""
        answer = Answer()
        fills = removals = peaks = 0
        filled: dict[tuple[str, int], Resting] = {}
        queue = list(meets)
        while queue and order.lots:
            maker = queue.pop(0)
            if fills == MOST_FILLS or removals == MOST_REMOVALS:
                return self.finish(answer, filled, peaks), True
            if maker.who == order.who:
                if stp in (CANCEL_MAKER, CANCEL_BOTH):
                    self.orders.remove(maker)
                    removals += 1
                if stp in (CANCEL_TAKER, CANCEL_BOTH):
                    return self.finish(answer, filled, peaks), True
                continue
            if maker.who in self.tripped or filled.get((maker.who, maker.oco_id), maker) is not maker:
                self.orders.remove(maker)
                removals += 1
                continue
            most = self.reducible(maker.who, maker.side) if maker.reduce_only else maker.lots
            traded = min(order.lots, maker.shown, most)
            if traded:
                fills += 1
                self.trade(order, maker, traded)
                answer.filled += traded
                answer.quote += traded * maker.price
                if maker.oco_id:
                    filled.setdefault((maker.who, maker.oco_id), maker)
                if self.trips(maker.who, traded):
                    if maker.lots:
                        self.orders.remove(maker)
                    continue
            if maker.lots and maker.reduce_only and not self.reducible(maker.who, maker.side):
                self.orders.remove(maker)
                removals += 1
            elif maker.lots and not maker.shown:
                peaks += 1
                maker.shown, maker.priority = min(maker.display, maker.lots), self.sequence + peaks
                behind = [index for index, other in enumerate(queue) if other.price != maker.price]
                queue.insert(behind[0] if behind else len(queue), maker)
        return self.finish(answer, filled, peaks), False

    def finish(self, answer: Answer, filled: dict[tuple[str, int], Resting], peaks: int) -> Answer:
        """The end of a match: the others of the groups go, and the peaks have taken their numbers."""
        for maker in filled.values():
            self.close_group(maker)
        self.sequence += peaks
        return answer

    def close_group(self, winner: Resting) -> None:
        """The other orders of a group go."""
        self.orders = [order for order in self.orders if order is winner or order.who != winner.who
                       or not winner.oco_id or order.oco_id != winner.oco_id]

    def trips(self, who: str, lots: int) -> bool:
        """Count a fill of a maker; whether it fills up its protection."""
        guard = self.guards.get(who)
        if guard is None:
            return False
        drained = Fraction((self.now - guard.since) * guard.limit, guard.window)
        guard.level, guard.since = max(Fraction(0), guard.level - drained) + lots, self.now
        if guard.level < guard.limit:
            return False
        guard.level, guard.frozen = Fraction(0), self.now + guard.freeze if guard.freeze else 1 << 63
        self.tripped.append(who)
        return True

    def trade(self, taker: Resting, maker: Resting, lots: int) -> None:
        """Exchange lots and money at the maker's price; both pay their fee, rounded up."""
        notional = lots * maker.price
        for order, ppm in ((taker, self.taker_fee_ppm), (maker, self.maker_fee_ppm)):
            sign = 1 if order.side == BUY else -1
            fee = (notional * ppm + 999_999) // 1_000_000
            self.lots[order.who] = self.lots.get(order.who, 0) + sign * lots
            self.cash[order.who] = self.cash.get(order.who, 0) - sign * notional - fee
            self.fees += fee
            order.lots -= lots
            order.shown -= lots
        if not maker.lots:
            self.orders.remove(maker)
        self.trades += 1

    def check_terms(self, price: int, lots: int) -> None:
        """What is wrong with an order whatever the book holds."""
        if lots <= 0:
            raise Refused("ORDER_SIZE")
        if price <= 0:
            raise Refused("ORDER_PRICE")
        if price % self.tick:
            raise Refused("ORDER_OFF_TICK")

    def find(self, who: str, order_id: int, client_id: int) -> Resting:
        """The account's open order by one of its two names."""
        if bool(order_id) == bool(client_id):
            raise Refused("ORDER_REFERENCE")
        for order in self.of(who):
            if order.order_id == order_id or (client_id and order.client_id == client_id):
                return order
        raise Refused("ORDER_NOT_FOUND")

    def cancel(self, who: str, order_id: int = 0, client_id: int = 0) -> Answer:
        """Cancel one order."""
        order = self.find(who, order_id, client_id)
        self.orders.remove(order)
        return Answer(order_id=order.order_id, cancelled=1)

    def cancel_all(self, who: str) -> Answer:
        """Cancel every order of the account."""
        mine = self.of(who)
        self.orders = [order for order in self.orders if order.who != who]
        return Answer(cancelled=len(mine))

    def replace(self, who: str, order_id: int, client_id: int, price: int, lots: int, kind: int) -> Answer:
        """Shrink in place, or cancel and place anew."""
        order = self.find(who, order_id, client_id)
        if kind in (IMMEDIATE_OR_CANCEL, FILL_OR_KILL):
            raise Refused("ORDER_TIME_IN_FORCE")
        self.check_terms(price, lots)
        if order.display and lots > 50 * order.display:
            raise Refused("ORDER_DISPLAY")
        if price == order.price and lots <= order.lots:
            order.lots, order.shown = lots, min(order.shown, lots)
            return Answer(order_id=order.order_id, open=lots)
        self.orders.remove(order)
        return self.place(who, order.side, price, lots, kind, reduce_only=order.reduce_only, client_id=order.client_id,
                          display=order.display, expires=order.expires, oco_id=order.oco_id, again=True)

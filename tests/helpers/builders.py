"""People, actions, envelopes and a genesis for tests and benchmarks: one short function each, sensible defaults."""

import hashlib
import json
from dataclasses import dataclass, field

from nacl.signing import SigningKey

from novation.v1 import tx_pb2

CHAIN_ID = "novation-test"
BTC, ETH = 1, 2
TICK_SIZE = {BTC: "0.5", ETH: "0.1"}
TICK_QUANTA = {BTC: 500, ETH: 100}  # tick size x lot size of 0.001, in millionths
MARK_QUANTA = {BTC: 46_000_000, ETH: 24_000_000}
BUY, SELL = tx_pb2.SIDE_BUY, tx_pb2.SIDE_SELL
GOOD_TIL_CANCEL = tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL
IMMEDIATE_OR_CANCEL = tx_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL
FILL_OR_KILL = tx_pb2.TIME_IN_FORCE_FILL_OR_KILL
POST_ONLY = tx_pb2.TIME_IN_FORCE_POST_ONLY
MARK, INDEX, LAST = tx_pb2.PRICE_SOURCE_MARK, tx_pb2.PRICE_SOURCE_INDEX, tx_pb2.PRICE_SOURCE_LAST
PEG_INDEX, PEG_MID = tx_pb2.PEG_REFERENCE_INDEX, tx_pb2.PEG_REFERENCE_MID
ABOVE, BELOW = tx_pb2.TRIGGER_DIRECTION_AT_OR_ABOVE, tx_pb2.TRIGGER_DIRECTION_AT_OR_BELOW
CANCEL_MAKER = tx_pb2.SELF_TRADE_PREVENTION_CANCEL_MAKER
CANCEL_TAKER = tx_pb2.SELF_TRADE_PREVENTION_CANCEL_TAKER
CANCEL_BOTH = tx_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH

GAS_LIMIT = 20_000_000
FEE_LIMIT_QUANTA = 1_000_000_000


@dataclass(frozen=True)
class Person:
    """Somebody with a key made from a name: the same in every run."""

    name: str
    key: SigningKey = field(init=False, repr=False)
    public_key: bytes = field(init=False, repr=False)
    owner: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        key = SigningKey(hashlib.sha256(f"novation test key {self.name}".encode()).digest())
        public_key = bytes(key.verify_key)
        tagged = b"novation/address/v1" + bytes([tx_pb2.KEY_TYPE_ED25519]) + public_key
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "public_key", public_key)
        object.__setattr__(self, "owner", hashlib.sha256(tagged).digest()[:20])

    def account(self, number: int = 0) -> bytes:
        """The key of one of this person's accounts."""
        return self.owner + number.to_bytes(4, "big")


ALICE, BOB, CAROL, DAVE, ORACLE = (Person(name) for name in ("alice", "bob", "carol", "dave", "oracle"))
FUNDED = (ALICE, BOB, CAROL, DAVE, ORACLE)


def sign_bytes(body: bytes, chain_id: str = CHAIN_ID) -> bytes:
    """What an envelope's signature is over."""
    return b"novation/tx/v1\x00" + bytes([len(chain_id)]) + chain_id.encode() + body


def body(person: Person, actions: list[tx_pb2.Action], nonce: int, *, number: int = 0, **fields: object) -> tx_pb2.Body:
    """An unsigned body; `fields` override the limits and expiries."""
    settings: dict[str, object] = {"gas_limit": GAS_LIMIT, "fee_limit_quanta": FEE_LIMIT_QUANTA, **fields}
    account = tx_pb2.AccountId(owner=person.owner, number=number)
    return tx_pb2.Body(account=account, actions=actions, nonce=nonce, **settings)  # type: ignore[arg-type]


def sign(person: Person, data: bytes, chain_id: str = CHAIN_ID) -> bytes:
    """The envelope of an encoded body, signed by `person`."""
    signature = person.key.sign(sign_bytes(data, chain_id)).signature
    authorization = tx_pb2.Authorization(
        key_type=tx_pb2.KEY_TYPE_ED25519, public_key=person.public_key, signature=signature)
    return tx_pb2.Envelope(body=data, authorization=authorization).SerializeToString(deterministic=True)


def envelope(person: Person, actions: list[tx_pb2.Action], nonce: int, *, chain_id: str = CHAIN_ID, number: int = 0,
             **fields: object) -> bytes:
    """A signed envelope, ready to be sent."""
    data = body(person, actions, nonce, number=number, **fields).SerializeToString(deterministic=True)
    return sign(person, data, chain_id)


def place(side: int, price_quanta: int, size_lots: int, *, market: int = BTC, time_in_force: int = GOOD_TIL_CANCEL,
          reduce_only: bool = False, client_id: int = 0, stp: int = 0, expires: int = 0, display: int = 0,
          oco_id: int = 0, peg: int = 0, offset: int = 0) -> tx_pb2.Action:
    """Place an order."""
    return tx_pb2.Action(place_order=tx_pb2.PlaceOrder(
        market=market, side=side, price_quanta=price_quanta, size_lots=size_lots, time_in_force=time_in_force,
        reduce_only=reduce_only, client_id=client_id, self_trade_prevention=stp,  # type: ignore[arg-type]
        expiry_time_ns=expires, display_lots=display, oco_id=oco_id,
        peg_reference=peg, peg_offset_ticks=offset))  # type: ignore[arg-type]


def buy(price_quanta: int, size_lots: int, **options: int) -> tx_pb2.Action:
    """Place a bid; options as in `place`."""
    return place(BUY, price_quanta, size_lots, **options)  # type: ignore[arg-type]


def sell(price_quanta: int, size_lots: int, **options: int) -> tx_pb2.Action:
    """Place an ask; options as in `place`."""
    return place(SELL, price_quanta, size_lots, **options)  # type: ignore[arg-type]


def leg(market: int, side: int, price_quanta: int, size_lots: int, *, reduce_only: bool = False) -> tx_pb2.ComboLeg:
    """A leg of a combo."""
    return tx_pb2.ComboLeg(market=market, side=side, price_quanta=price_quanta,  # type: ignore[arg-type]
                           size_lots=size_lots, reduce_only=reduce_only)


def combo(*legs: tx_pb2.ComboLeg, net: int = 1 << 62, client_id: int = 0, stp: int = 0) -> tx_pb2.Action:
    """Several orders that all fill, or none."""
    return tx_pb2.Action(place_combo=tx_pb2.PlaceCombo(
        legs=legs, net_limit_quanta=net, client_id=client_id, self_trade_prevention=stp))  # type: ignore[arg-type]


def block_leg(market: int, side: int, price_quanta: int, size_lots: int) -> tx_pb2.BlockLeg:
    """A leg of a block trade; the side is the sender's."""
    return tx_pb2.BlockLeg(market=market, side=side, size_lots=size_lots, price_quanta=price_quanta)  # type: ignore[arg-type]


def block_terms(sender: Person, other: Person, *legs: tx_pb2.BlockLeg, nonce: int, number: int = 0,
                expires: int = 1 << 62) -> tx_pb2.BlockTerms:
    """What `other` signs."""
    return tx_pb2.BlockTerms(
        sender=tx_pb2.AccountId(owner=sender.owner), counterparty=tx_pb2.AccountId(owner=other.owner, number=number),
        legs=legs, nonce=nonce, expiry_time_ns=expires)


def block(other: Person, terms: tx_pb2.BlockTerms, chain_id: str = CHAIN_ID) -> tx_pb2.Action:
    """A block trade with the consent of `other`."""
    name = chain_id.encode()
    signed = b"novation/block/v1\x00" + bytes([len(name)]) + name + terms.SerializeToString(deterministic=True)
    consent = tx_pb2.Authorization(key_type=tx_pb2.KEY_TYPE_ED25519, public_key=other.public_key,
                                   signature=other.key.sign(signed).signature)
    return tx_pb2.Action(block_trade=tx_pb2.BlockTrade(terms=terms, consent=consent))


def cancel(order_id: int = 0, client_id: int = 0) -> tx_pb2.Action:
    """Cancel one order."""
    return tx_pb2.Action(cancel_order=tx_pb2.CancelOrder(order_id=order_id, client_id=client_id))


def cancel_all(market: int = 0) -> tx_pb2.Action:
    """Cancel every order, of one market or of all."""
    action = tx_pb2.Action()
    action.cancel_all.SetInParent()
    action.cancel_all.market = market
    return action


def replace(price_quanta: int, size_lots: int, *, order_id: int = 0, client_id: int = 0,
            time_in_force: int = GOOD_TIL_CANCEL) -> tx_pb2.Action:
    """Replace an order by another price and size."""
    return tx_pb2.Action(replace_order=tx_pb2.ReplaceOrder(
        order_id=order_id, client_id=client_id, price_quanta=price_quanta, size_lots=size_lots,
        time_in_force=time_in_force))  # type: ignore[arg-type]


def trigger(direction: int, trigger_quanta: int, side: int, price_quanta: int, size_lots: int, *, market: int = BTC,
            source: int = MARK, time_in_force: int = IMMEDIATE_OR_CANCEL, reduce_only: bool = False, client_id: int = 0,
            trail: int = 0, oco_id: int = 0, expires: int = 0) -> tx_pb2.Action:
    """An order that waits for a price."""
    return tx_pb2.Action(place_trigger=tx_pb2.PlaceTrigger(
        market=market, source=source, direction=direction, trigger_quanta=trigger_quanta, trail_quanta=trail,  # type: ignore[arg-type]
        side=side, price_quanta=price_quanta, size_lots=size_lots, time_in_force=time_in_force,  # type: ignore[arg-type]
        reduce_only=reduce_only, client_id=client_id, oco_id=oco_id, expiry_time_ns=expires))


def dead_man(time_ns: int) -> tx_pb2.Action:
    """Set the dead-man switch."""
    return tx_pb2.Action(set_dead_man=tx_pb2.SetDeadMan(time_ns=time_ns))


def protect(limit_lots: int, window_ns: int = 1_000_000_000, freeze_ns: int = 0, market: int = BTC) -> tx_pb2.Action:
    """Set market-maker protection."""
    return tx_pb2.Action(set_protection=tx_pb2.SetProtection(
        market=market, limit_lots=limit_lots, window_ns=window_ns, freeze_ns=freeze_ns))


def cancel_trigger(trigger_id: int = 0, client_id: int = 0, *, every: bool = False) -> tx_pb2.Action:
    """Cancel one trigger, or every one."""
    return tx_pb2.Action(cancel_trigger=tx_pb2.CancelTrigger(trigger_id=trigger_id, client_id=client_id, all=every))


def transfer(to: Person, amount_quanta: int, number: int = 0, asset: int = 0) -> tx_pb2.Action:
    """Move collateral to another account."""
    receiver = tx_pb2.AccountId(owner=to.owner, number=number)
    return tx_pb2.Action(transfer=tx_pb2.Transfer(to=receiver, amount_quanta=amount_quanta, asset=asset))


def margin_mode(mode: int) -> tx_pb2.Action:
    """Choose standard (1) or portfolio (2) margin."""
    return tx_pb2.Action(set_margin_mode=tx_pb2.SetMarginMode(mode=mode))  # type: ignore[arg-type]


def isolate(to_number: int, lots: int = 0, cash_quanta: int = 0, market: int = BTC) -> tx_pb2.Action:
    """Move a position and cash to another account of one's own."""
    return tx_pb2.Action(
        isolate=tx_pb2.Isolate(market=market, to_number=to_number, lots=lots, cash_quanta=cash_quanta))


def withdraw(amount_quanta: int, destination: bytes = b"bank", asset: int = 0) -> tx_pb2.Action:
    """Take collateral off the chain."""
    return tx_pb2.Action(
        withdraw=tx_pb2.Withdraw(amount_quanta=amount_quanta, destination=destination, asset=asset))


def bid(account: Person, most_fraction_ppm: int = 1_000_000, *, least_discount_ppm: int = 0, expected_bids: int = 0,
        number: int = 0) -> tx_pb2.Action:
    """Bid for a fraction of an account in auction."""
    auctioned = tx_pb2.AccountId(owner=account.owner, number=number)
    return tx_pb2.Action(bid_auction=tx_pb2.BidAuction(
        account=auctioned, most_fraction_ppm=most_fraction_ppm, least_discount_ppm=least_discount_ppm,
        expected_bids=expected_bids))


def faucet(to: Person, amount_quanta: int, number: int = 0, asset: int = 0) -> tx_pb2.Action:
    """Mint collateral on a test network."""
    receiver = tx_pb2.AccountId(owner=to.owner, number=number)
    return tx_pb2.Action(faucet_deposit=tx_pb2.FaucetDeposit(to=receiver, amount_quanta=amount_quanta, asset=asset))


def set_agent(key: bytes, expiry_time_ns: int) -> tx_pb2.Action:
    """Let a key trade for the account until then; 0: not any more."""
    return tx_pb2.Action(set_agent=tx_pb2.SetAgent(public_key=key, expiry_time_ns=expiry_time_ns))


def set_referrer(referrer: Person) -> tx_pb2.Action:
    """Name who gets a share of the taker fees; once an owner."""
    return tx_pb2.Action(set_referrer=tx_pb2.SetReferrer(referrer=referrer.owner))


def set_validator(public_key: bytes, power: int) -> tx_pb2.Action:
    """Give a key a voting power; only ORACLE may."""
    return tx_pb2.Action(set_validator=tx_pb2.SetValidator(public_key=public_key, power=power))


def set_status(status: int, market: int = BTC) -> tx_pb2.Action:
    """Move a market to another status; only ORACLE may."""
    return tx_pb2.Action(set_market_status=tx_pb2.SetMarketStatus(market=market, status=status))


def market_entry(market: int, symbol: str, **fields: object) -> dict[str, object]:
    """One market of the genesis document. Its mark is its index, it pays no funding and has no breakers,
    unless `fields` say so.
    """
    return {"market": market, "symbol": symbol, "lot_size": "0.001", "tick_size": TICK_SIZE[market],
            "tick_quanta": TICK_QUANTA[market], "max_order_lots": 1_000_000, "max_position_lots": 10_000_000,
            "initial_margin_ppm": 50_000, "maintenance_margin_ppm": 30_000, "maker_fee_ppm": 100, "taker_fee_ppm": 500,
            "feed": market, "mark_band_ppm": 0, "funding_cap_e9": 0,
            "order_band_ppm": 0, "fill_band_ppm": 0, "halt_move_ppm": 0, **fields}


NO_BREAKERS = {"withdraw_hour_quanta": 0, "withdraw_hour_ppm": 0, "withdraw_day_quanta": 0, "withdraw_day_ppm": 0,
               "gap_ns": 0, "sweep_accounts": 0}
MAIN_NETWORK = {"test_network": False, "authority": "", "withdraw_hour_ppm": 1, "withdraw_day_ppm": 1,
                "gap_ns": 60_000_000_000, "sweep_accounts": 1}


def feed_entry(feed: int, symbol: str, price: object, **fields: object) -> dict[str, object]:
    """One feed of the genesis document: its price is quanta of a lot of 0.001, may jump at will and does not age."""
    return {"feed": feed, "symbol": symbol, "decimals": 3, "price": price, "move_ppm": 1_000_000_000,
            "max_age_ns": 30 * 86_400 * 10**9, "warm_up_ns": 0, **fields}


def genesis(people: tuple[Person, ...] = FUNDED, cash_quanta: int = 1_000_000_000_000, markets: int = 2,
            terms: dict[int, dict[str, object]] | None = None, cash: dict[Person, int] | None = None,
            feeds: dict[int, dict[str, object]] | None = None, portfolios: tuple[int, ...] = (),
            **params: object) -> bytes:
    """The genesis state: `people` funded alike but for `cash`, one or two markets, ORACLE as the authority.

    `terms` are fields of a market that differ from the usual, `feeds` those of a feed, by number; `portfolios` are the
    feeds that have a part in portfolio margin.
    """
    names = ((BTC, "BTC-PERP"), (ETH, "ETH-PERP"))[:markets]
    document = {
        "params": {"test_network": True, "authority": ORACLE.owner.hex(), "gas_price_e6": 1_000,
                   "max_block_gas": 200_000_000_000, "max_faucet_quanta": 1_000_000_000_000, **NO_BREAKERS, **params},
        "feeds": [feed_entry(market, symbol, **{"price": MARK_QUANTA[market], **(feeds or {}).get(market, {})})
                  for market, symbol in ((BTC, "BTC/USD"), (ETH, "ETH/USD"))],
        "markets": [market_entry(market, symbol, **(terms or {}).get(market, {})) for market, symbol in names],
        "portfolios": [{"feed": feed} for feed in portfolios],
        "accounts": [{"owner": person.owner.hex(), "number": 0, "cash_quanta": (cash or {}).get(person, cash_quanta)}
                     for person in people],
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()

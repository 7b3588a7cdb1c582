"""Block trades: two parties agree on legs elsewhere; one brings both signatures, and all legs settle at once."""

from dataclasses import dataclass, field

from app.accounts.keys import key_of
from app.accounts.rules import use_nonce
from app.accounts.state import check_nonce, require_account
from app.accounts.types import Account
from app.breakers.state import bands_of, check_open_interest, check_opening, is_capped
from app.clearing.rules import block_worth
from app.clearing.state import add_open_interest, check_markets, check_position_limit, off_book, settle, traded_lots
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool
from app.context import Context
from app.errors import (
    BLOCK_CONSENT,
    BLOCK_EXPIRED,
    BLOCK_LEGS,
    BLOCK_NONCE,
    BLOCK_PARTIES,
    BLOCK_PRICE,
    BLOCK_SMALL,
    MARGIN_INSUFFICIENT,
    MARKET_NOT_TRADING,
    PROGRAMMING_ERRORS,
    ChainError,
    MarketFault,
)
from app.events import BlockTraded
from app.fees.rules import shareable, trading_fee
from app.fees.state import collect, rates
from app.gas import BLOCK, FILL, POSITION
from app.kernel import signatures
from app.kernel.hashing import ADDRESS_SIZE, address_of
from app.limits import MAX_BLOCK_LEGS, MAX_ORDER_LOTS, MAX_ORDER_NOTIONAL_QUANTA, MAX_PRICE_QUANTA, MIN_BLOCK_QUANTA
from app.margin.state import allows_account, require_trusted
from app.markets.rules import open_interest_change
from app.markets.state import require_market
from app.markets.types import ACTIVE, Market
from app.oracle.rules import OPEN
from app.oracle.state import index_price
from novation.v1 import tx_pb2

BLOCK_TAG = b"novation/block/v1\x00"
ED25519 = 1
BUY, SELL = 1, 2


def block_bytes(chain_id: str, terms: tx_pb2.BlockTerms) -> bytes:
    """CLR-006: what the counterparty signs: the domain tag, the chain id with its length in one byte, the terms."""
    name = chain_id.encode()
    return BLOCK_TAG + bytes([len(name)]) + name + terms.SerializeToString(deterministic=True)


@dataclass(slots=True)
class Part:
    """One leg that may be done: the lots that the sender buys (negative: sells), and what each side pays."""

    market: Market
    lots: int
    price_quanta: int
    sender_fee_quanta: int
    other_fee_quanta: int

    @property
    def fees_quanta(self) -> int:
        """What both pay."""
        return self.sender_fee_quanta + self.other_fee_quanta


@dataclass(slots=True)
class Party:
    """One side: its account before and after all legs, and the funding that it owed by market."""

    key: bytes
    before: Account
    after: Account
    owed: dict[int, int] = field(default_factory=dict)


def handle_block_trade(ctx: Context, sender: bytes, action: tx_pb2.BlockTrade) -> tx_pb2.ActionResult:
    """CLR-005 to CLR-010: check the consent, every leg and both accounts after all legs; then do them all.

    Raises BLOCK_*, TX_BAD_ACCOUNT, ACCOUNT_NOT_FOUND, MARKET_*, MARGIN_*, BREAKER_*, ORACLE_UNTRUSTED.
    """
    ctx.gas.charge(BLOCK + 2 * FILL * len(action.terms.legs))
    key = check_parties(sender, action.terms)
    one, other = (require_account(ctx.accounts.get(each), each) for each in (sender, key))
    check_consent(ctx, other, action)
    parts = parts_of(ctx, sender, key, action.terms)
    parties = Party(sender, one, one.copy()), Party(key, other, other.copy())
    for party, sign in zip(parties, (1, -1), strict=True):
        ctx.gas.charge(2 * POSITION * (len(party.before.positions) + len(parts)))
        for part in parts:
            trade(ctx, party, part, sign)
    check_parts(ctx, parts, parties)
    carry_out(ctx, parts, parties, action.terms.nonce)
    return tx_pb2.ActionResult(filled_lots=sum(abs(part.lots) for part in parts))


def check_parties(sender: bytes, terms: tx_pb2.BlockTerms) -> bytes:
    """CLR-005: the terms name the sender, and somebody else. Returns the key of the counterparty's account."""
    key = key_of(terms.counterparty)
    if key_of(terms.sender) != sender or key[:ADDRESS_SIZE] == sender[:ADDRESS_SIZE]:
        raise ChainError(BLOCK_PARTIES, sender=terms.sender.owner, counterparty=terms.counterparty.owner)
    return key


def check_consent(ctx: Context, other: Account, action: tx_pb2.BlockTrade) -> None:
    """CLR-006, CLR-007: the counterparty signed just these terms for this chain, not too long ago, and only once."""
    terms, consent = action.terms, action.consent
    if ctx.time_ns > terms.expiry_time_ns:
        raise ChainError(BLOCK_EXPIRED, time_ns=ctx.time_ns, expiry_time_ns=terms.expiry_time_ns)
    try:
        check_nonce(other, terms.nonce)
    except ChainError as error:
        raise ChainError(BLOCK_NONCE, why=error.code.reason, **error.metadata) from error
    known = consent.key_type == ED25519 and address_of(ED25519, consent.public_key) == terms.counterparty.owner
    signed = block_bytes(ctx.params.chain_id, terms)
    if not known or not signatures.verify(consent.public_key, signed, consent.signature):
        raise ChainError(BLOCK_CONSENT, counterparty=terms.counterparty.owner)


def parts_of(ctx: Context, sender: bytes, key: bytes, terms: tx_pb2.BlockTerms) -> list[Part]:
    """CLR-008, CLR-009: the legs, each as it may be done."""
    if not 1 <= len(terms.legs) <= MAX_BLOCK_LEGS or len({leg.market for leg in terms.legs}) < len(terms.legs):
        raise ChainError(BLOCK_LEGS, legs=len(terms.legs), most=MAX_BLOCK_LEGS)
    return [part_of(ctx, sender, key, leg) for leg in terms.legs]


def part_of(ctx: Context, sender: bytes, key: bytes, leg: tx_pb2.BlockLeg) -> Part:
    """CLR-008: size and price within the bounds of orders, the market open, the price within its band for fills, and
    enough of it. CLR-009: who sends pays as a taker, who consents as a maker without a rebate.
    """
    market = require_market(ctx, leg.market)
    size, price = leg.size_lots, leg.price_quanta
    notional = size * price
    fits = 0 < size <= MAX_ORDER_LOTS and 0 < price <= MAX_PRICE_QUANTA and notional <= MAX_ORDER_NOTIONAL_QUANTA
    if leg.side not in (BUY, SELL) or not fits:
        raise ChainError(BLOCK_LEGS, market=leg.market, side=leg.side, size_lots=size, price_quanta=price)
    if market.status != ACTIVE:
        raise ChainError(MARKET_NOT_TRADING, market=leg.market, status=market.status)
    check_opening(ctx, market)
    for each in (sender, key):
        require_trusted(ctx, require_account(ctx.accounts.get(each), each), OPEN, leg.market)
    _, _, low, high = bands_of(ctx, market)
    if market.fill_band_ppm and not low <= price <= high:
        raise ChainError(BLOCK_PRICE, market=leg.market, price_quanta=price, lowest_quanta=low, highest_quanta=high)
    worth = block_worth(size, index_price(ctx, leg.market))
    if worth < MIN_BLOCK_QUANTA:
        raise ChainError(BLOCK_SMALL, market=leg.market, worth_quanta=worth, least_quanta=MIN_BLOCK_QUANTA)
    taker_fee = trading_fee(notional, rates(ctx, sender, market)[1])
    maker_fee = max(0, trading_fee(notional, rates(ctx, key, market)[0]))
    return Part(market, size if leg.side == BUY else -size, price, taker_fee, maker_fee)


def trade(ctx: Context, party: Party, part: Part, sign: int) -> None:
    """CLR-002: one leg on the copy of one side (`sign` 1: the sender's), its funding there settled first."""
    number, after = part.market.market, party.after
    fee = part.sender_fee_quanta if sign > 0 else part.other_fee_quanta
    try:
        owed, cash, held = off_book(ctx, after, number, sign * part.lots, part.price_quanta, -fee)
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(number, type(error).__name__) from error
    party.owed[number], after.cash_quanta = owed, cash
    after.set_position(held)


def check_parts(ctx: Context, parts: list[Part], parties: tuple[Party, Party]) -> None:
    """CLR-010: position limits, caps on open interest, and the margin of both accounts after all legs."""
    for part in parts:
        number = part.market.market
        for party in parties:
            check_position_limit(part.market, party.before.position(number), party.after.position(number))
        if is_capped(part.market):
            change = sum(open_interest_change(*traded_lots(each.before, each.after, number)) for each in parties)
            check_open_interest(ctx, part.market, change)
    for party in parties:
        check_markets(party.before, *(party.after.position(part.market.market) for part in parts))
        if not allows_account(ctx, party.before, party.after):
            raise ChainError(MARGIN_INSUFFICIENT, owner=party.key[:ADDRESS_SIZE])


def carry_out(ctx: Context, parts: list[Part], parties: tuple[Party, Party], nonce: int) -> None:
    """CLR-005: both come to hold what was checked. No order is met: nothing here is the last price of a market."""
    one, other = parties
    account = ctx.accounts.edit(other.key)
    account.highest_nonce, account.used_nonces = use_nonce(account.highest_nonce, account.used_nonces, nonce)
    for part in parts:
        number = part.market.market
        interest = 0
        for party in parties:
            interest += settle(ctx, party.key, number, party.after.cash_quanta, party.after.position(number))
            credit_fund(ctx, funding_pool(number), party.owed[number])
        add_open_interest(ctx, number, interest)
        shared = shareable(part.sender_fee_quanta, part.other_fee_quanta)
        notional = abs(part.lots) * part.price_quanta
        collect(ctx, number, part.fees_quanta, [(one.key, other.key, number, notional, shared)])
        state = ctx.states.edit(number)
        ctx.emit(
            BlockTraded(
                number,
                state.next_trade,
                one.key,
                other.key,
                part.lots,
                part.price_quanta,
                part.sender_fee_quanta,
                part.other_fee_quanta,
                nonce,
            )
        )
        state.next_trade += 1

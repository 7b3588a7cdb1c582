"""The trader's client: sign, send, ask, watch.

    async with NovationClient("127.0.0.1:26602", Key.from_hex(secret)) as client:
        order = await client.place("BTC-PERP", "buy", size="0.25", price="46000.5", time_in_force="post_only")
        await client.cancel(order_id=order.order_id)
        account = await client.account()

Sizes and prices are decimals (Decimal, str or int, never float) in the units of the market; what is not exact is
refused, never rounded. Every envelope carries a fresh nonce, and is sent again as it is when the connection breaks:
the chain accepts it once. `wait="committed"` returns what the block did; `wait="admitted"` returns as soon as the node
holds the envelope.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import TracebackType
from typing import Any

from client import envelopes
from client.errors import InvalidNonce, NotAvailable, OutcomeUnknown
from client.keys import Key
from client.legs import Leg, block_legs, combo_legs
from client.nonces import Nonces
from client.reading import Reader
from client.results import PlacedOrder, Sent, placed_from, sent_from
from client.units import Amount, quanta
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2, trading_service_pb2_grpc, tx_pb2
from novation.v1 import trading_service_pb2 as trading

WAITS = {"admitted": trading.WAIT_FOR_ADMISSION, "committed": trading.WAIT_FOR_COMMITTED}
TRIGGER_TERMS = ("source", "time_in_force", "reduce_only", "client_id", "oco_id", "expiry_time_ns")
NONCE_ATTEMPTS = 6
RETRY_SECONDS = 0.2


@dataclass(slots=True, frozen=True)
class SendOptions:
    """How an envelope is sent.

    `gas_limit` 0 takes an estimate that suffices unless an order makes more than ten fills. An envelope that no block
    took within `lifetime_seconds` never executes (0: no such limit); `expiry_height` limits it by height, 0 does not.
    With `dry_run` nothing is signed or sent: the node runs the actions on a fork of its state; `client.preview` says
    what they would do and how the account would stand.
    """

    wait: str = "committed"
    timeout_seconds: float = 10.0
    gas_limit: int = 0
    expiry_height: int = 0
    lifetime_seconds: int = 600
    all_or_nothing: bool = False
    dry_run: bool = False


class NovationClient(Reader):
    """One gateway, one account. Enter it with `async with`, or call `connect` and `close`."""

    def __init__(self, address: str, key: Key | None = None, *, account_number: int = 0,
                 options: SendOptions | None = None, owner: bytes = b"") -> None:
        """Without `key` the client can only ask and watch. `options` are the defaults of everything it sends. With
        `owner` it trades for an account of that owner, who made `key` its agent (`set_agent`).
        """
        owner = owner or (key.owner if key else b"")
        super().__init__(address, tx_pb2.AccountId(owner=owner, number=account_number) if owner else tx_pb2.AccountId())
        self.key = key
        self.options = options or SendOptions()
        self.params = state_pb2.Params()
        self.nonces = Nonces()
        self.preview = risk_service.GetRiskResponse()  # of the last dry run
        self._trading = trading_service_pb2_grpc.TradingServiceStub(self._channel)

    async def __aenter__(self) -> NovationClient:
        await self.connect()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    async def connect(self, timeout_seconds: float = 10.0) -> None:
        """Learn the chain's parameters, the markets and where the account's nonces stand.

        Waits for a gateway that is not ready yet. Raises NotAvailable when it is not ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                self.params = (await self._call(self._chain.GetParams, chain_service.GetParamsRequest())).params
                break
            except NotAvailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
        await self.refresh_markets()
        if self.key is not None:
            self.nonces.observe((await self.account()).highest_nonce)

    async def close(self) -> None:
        """Leave the gateway. Streams end."""
        await self._channel.close()

    # Sending.

    async def place(self, market: str | int, side: str, size: Amount, price: Amount, *, time_in_force: str = "gtc",
                    reduce_only: bool = False, client_id: int = 0, expiry_time_ns: int = 0, display: Amount = 0,
                    oco_id: int = 0, peg: str = "none", peg_offset_ticks: int = 0, **options: Any) -> PlacedOrder:
        """Place a limit order: `side` "buy" or "sell", `time_in_force` "gtc", "ioc", "fok" or "post_only".

        `display` is the most to be shown of an iceberg. Pegged to "index" or "mid", `price` is the worst, 0 for none.

        Raises NotExact for a size or price between two lots or ticks, InsufficientFunds, InvalidOrder and others of
        client.errors. `options` are those of SendOptions.
        """
        info = await self.find(market)
        action = envelopes.place(market=info.market, side=side, price_quanta=info.units.price_quanta(price),
                                 size_lots=info.units.lots(size), time_in_force=time_in_force, reduce_only=reduce_only,
                                 client_id=client_id, expiry_time_ns=expiry_time_ns,
                                 display_lots=info.units.lots(display), oco_id=oco_id, peg=peg,
                                 peg_offset_ticks=peg_offset_ticks)
        return placed_from(await self._one(action, options), info, client_id)

    async def place_combo(self, legs: Sequence[Leg], *, net: Amount | None = None, client_id: int = 0,
                          **options: Any) -> Sent:
        """Two to eight orders in as many markets that all fill in full at once, or nothing happens. Together they cost
        at most `net` USD, fees apart (bought less sold; negative: so much must come in); None: as their prices allow.

        `sent.results[0].legs` says what each did. Raises InvalidOrder, InsufficientFunds and others of client.errors.
        """
        for leg in legs:
            await self.find(leg.market)
        return await self._one(envelopes.place_combo(
            combo_legs(legs, self.market), client_id=client_id,
            net_limit_quanta=None if net is None else quanta(net)), options)

    def sign_block(self, sender: tx_pb2.AccountId, legs: Sequence[Leg], *,
                   lifetime_seconds: int = 60) -> tx_pb2.BlockTrade:
        """Consent to a block trade that `sender` may settle within so many seconds, once; the sides are the sender's.

        Nothing is sent: give the message, or its bytes, to the sender. It takes a nonce of this account; whoever
        changes their mind sends anything with that nonce first.
        """
        if self.key is None:
            raise ValueError("this client has no key: it can ask and watch, not sign")
        terms = tx_pb2.BlockTerms(
            sender=sender, counterparty=self.account_id, legs=block_legs(legs, self.market), nonce=self.nonces.next(),
            expiry_time_ns=time.time_ns() + lifetime_seconds * 10**9)
        return envelopes.block_trade(terms, self.key, self.params.chain_id)

    async def block_trade(self, block: tx_pb2.BlockTrade, legs: Sequence[Leg], **options: Any) -> Sent:
        """Settle a block trade that the counterparty has signed (`sign_block`). `legs` are what this side agreed to.

        Raises ValueError when the terms are not those, or not for this account; InvalidOrder and others of
        client.errors.
        """
        for leg in legs:
            await self.find(leg.market)
        if block.terms.sender != self.account_id or list(block.terms.legs) != block_legs(legs, self.market):
            raise ValueError("the counterparty has signed other terms: another sender, or other legs")
        return await self._one(envelopes.send_block(block), options)

    async def replace(self, market: str | int, size: Amount, price: Amount, *, order_id: int = 0, client_id: int = 0,
                      time_in_force: str = "gtc", **options: Any) -> PlacedOrder:
        """Give an open order of `market` another price and open size. It keeps its rank if only the size shrinks."""
        info = await self.find(market)
        action = envelopes.replace(price_quanta=info.units.price_quanta(price), size_lots=info.units.lots(size),
                                   order_id=order_id, client_id=client_id, time_in_force=time_in_force)
        return placed_from(await self._one(action, options), info, client_id)

    async def cancel(self, *, order_id: int = 0, client_id: int = 0, **options: Any) -> Sent:
        """Cancel one open order by one of its ids. Raises OrderNotFound."""
        return await self._one(envelopes.cancel(order_id=order_id, client_id=client_id), options)

    async def cancel_all(self, market: str | int | None = None, **options: Any) -> Sent:
        """Cancel every open order, or those of one market."""
        number = (await self.find(market)).market if market is not None else 0
        return await self._one(envelopes.cancel_all(number), options)

    async def place_trigger(self, market: str | int, direction: str, side: str, size: Amount, price: Amount, *,
                            at: Amount = 0, trail: Amount = 0, **terms: Any) -> Sent:
        """An order that waits until the mark (or `source` "index", "last") stands at or "above", at or "below" `at`.

        `price` is the order's limit. With `trail` in place of `at` the level follows the best price since now at that
        distance, and the limit with it. The trigger's id is `sent.results[0].order_id`. `terms` are those of
        envelopes.place_trigger (time_in_force, reduce_only, client_id, oco_id, source, expiry_time_ns) and SendOptions.
        """
        info = await self.find(market)
        own = {name: terms.pop(name) for name in TRIGGER_TERMS if name in terms}
        action = envelopes.place_trigger(
            market=info.market, direction=direction, side=side, size_lots=info.units.lots(size),
            price_quanta=info.units.price_quanta(price), trigger_quanta=info.units.price_quanta(at),
            trail_quanta=info.units.price_quanta(trail), **own)
        return await self._one(action, terms)

    async def cancel_trigger(self, *, trigger_id: int = 0, client_id: int = 0, **options: Any) -> Sent:
        """Cancel a trigger by one of its ids, or all of them when neither is given."""
        return await self._one(envelopes.cancel_trigger(trigger_id=trigger_id, client_id=client_id), options)

    async def set_dead_man(self, time_ns: int, **options: Any) -> Sent:
        """Unless set again, cancel everything but reducing triggers once block time passes `time_ns`; 0: off."""
        return await self._one(envelopes.set_dead_man(time_ns), options)

    async def set_protection(self, market: str | int, limit: Amount, *, window_ns: int = 1_000_000_000,
                             freeze_ns: int = 0, **options: Any) -> Sent:
        """Market-maker protection: `limit` filled as maker within about the window cancels the quotes in `market`, and
        refuses new ones for `freeze_ns` (0: until set anew). A limit of 0 turns it off.
        """
        info = await self.find(market)
        return await self._one(envelopes.set_protection(
            info.market, limit_lots=info.units.lots(limit), window_ns=window_ns, freeze_ns=freeze_ns), options)

    async def bid(self, account: tx_pb2.AccountId, *, most_fraction_ppm: int = 1_000_000, least_discount_ppm: int = 0,
                  expected_bids: int = 0, **options: Any) -> Sent:
        """Take a fraction of an account in auction at the marks, for the discount of the block; the event
        `auction_bid_taken` says how much it was.
        """
        return await self._one(envelopes.bid_auction(
            account, most_fraction_ppm=most_fraction_ppm, least_discount_ppm=least_discount_ppm,
            expected_bids=expected_bids), options)

    async def transfer_asset(self, to: tx_pb2.AccountId, asset: int, units: int, **options: Any) -> Sent:
        """Move `units` of another asset to an account that exists. Raises InsufficientFunds."""
        return await self._one(envelopes.transfer(to, units, asset), options)

    async def withdraw_asset(self, asset: int, units: int, destination: bytes, **options: Any) -> Sent:
        """Take `units` of another asset off the chain. Raises InsufficientFunds."""
        return await self._one(envelopes.withdraw(units, destination, asset), options)

    async def transfer(self, to: tx_pb2.AccountId, amount: Amount, **options: Any) -> Sent:
        """Move USD to another account. Raises InsufficientFunds."""
        return await self._one(envelopes.transfer(to, quanta(amount)), options)

    async def withdraw(self, amount: Amount, destination: bytes, **options: Any) -> Sent:
        """Take USD off the chain. Raises InsufficientFunds."""
        return await self._one(envelopes.withdraw(quanta(amount), destination), options)

    async def faucet(self, amount: Amount, to: tx_pb2.AccountId | None = None, **options: Any) -> Sent:
        """Test networks only: mint USD for this account, or for another one, which it opens."""
        return await self._one(envelopes.faucet(to or self.account_id, quanta(amount)), options)

    async def faucet_asset(self, asset: int, units: int, to: tx_pb2.AccountId | None = None, **options: Any) -> Sent:
        """Test networks only: mint `units` of another asset for this account, or for another one that exists."""
        return await self._one(envelopes.faucet(to or self.account_id, units, asset), options)

    async def isolate(self, market: str | int, to_number: int, size: Amount = 0, cash: Amount = 0,
                      **options: Any) -> Sent:
        """Move `size` (0: all) of this account's position, what it cost, and USD to another of the owner's accounts.

        Raises InsufficientFunds when either account could not carry what it would hold.
        """
        info = await self.find(market)
        lots = info.units.lots(size) if size else 0
        return await self._one(envelopes.isolate(info.market, to_number, lots, quanta(cash) if cash else 0), options)

    async def set_margin_mode(self, mode: str, **options: Any) -> Sent:
        """Margin this account in "standard" or "portfolio" mode. Raises InsufficientFunds unless it has its initial
        margin in both.
        """
        return await self._one(envelopes.set_margin_mode(mode), options)

    async def set_validator(self, public_key: bytes, power: int, **options: Any) -> Sent:
        """Give a validator's key a voting power, 0 to take it out; test networks' authority only."""
        return await self._one(envelopes.set_validator(public_key, power), options)

    async def set_market_status(self, market: str | int, status: str, **options: Any) -> Sent:
        """Test networks only: the authority makes a market "active", "reduce_only", "halted" or "auction"."""
        return await self._one(envelopes.set_market_status((await self.find(market)).market, status), options)

    async def set_agent(self, public_key: bytes, lifetime_seconds: int = 7 * 86_400, **options: Any) -> Sent:
        """Let another key trade for this account for so long; it can move nothing out. 0 seconds: not any more."""
        expiry_time_ns = (await self.status()).time_ns + lifetime_seconds * 10**9 if lifetime_seconds else 0
        return await self._one(envelopes.set_agent(public_key, expiry_time_ns), options)

    async def set_referrer(self, owner: bytes, **options: Any) -> Sent:
        """Name who gets a share of this owner's taker fees, once and for ever. Raises BadRequest."""
        return await self._one(envelopes.set_referrer(owner), options)

    async def send(self, actions: Sequence[tx_pb2.Action], **options: Any) -> Sent:
        """Many actions in one envelope, under one signature. `options` are those of SendOptions.

        An action that fails does not raise: see `Sent.errors()`. Raises when the envelope as a whole was refused, and
        NotCommitted when no block took it in time.
        """
        chosen = replace(self.options, **options)
        if chosen.dry_run:
            self.preview = await self.risk(actions=actions)
            return Sent(b"", b"", False, self.preview.height, Decimal(0), tuple(self.preview.results))
        for attempt in range(NONCE_ATTEMPTS):
            raw = self.sign(actions, chosen)
            try:
                return await self.submit(raw, wait=chosen.wait, timeout_seconds=chosen.timeout_seconds)
            except InvalidNonce as error:
                # Somebody else uses this account. The envelope was refused, so signing anew cannot act twice.
                if attempt + 1 == NONCE_ATTEMPTS or error.reason == "TX_NONCE_TOO_HIGH":
                    raise
                self.nonces.observe((await self.account()).highest_nonce)
                if error.reason in ("TX_NONCE_USED", "MEMPOOL_DUPLICATE"):
                    self.nonces.skip()
        raise AssertionError("unreachable")

    def sign(self, actions: Sequence[tx_pb2.Action], options: SendOptions | None = None) -> bytes:
        """A signed envelope with a fresh nonce, not sent."""
        if self.key is None:
            raise ValueError("this client has no key: it can ask and watch, not send")
        options = options or self.options
        # To the nanosecond: so that two programs with one account never make the same bytes, which would count once.
        expiry_time_ns = time.time_ns() + options.lifetime_seconds * 10**9 if options.lifetime_seconds else 0
        body = envelopes.make_body(
            self.account_id, actions, nonce=self.nonces.next(), gas_price_e6=self.params.gas_price_e6,
            gas_limit=options.gas_limit, expiry_height=options.expiry_height, expiry_time_ns=expiry_time_ns,
            all_or_nothing=options.all_or_nothing)
        return envelopes.sign_envelope(self.key, self.params.chain_id, body)

    async def submit(self, envelope: bytes, *, wait: str = "committed", timeout_seconds: float = 10.0) -> Sent:
        """Send a signed envelope, again and again while the gateway is away; the chain takes it once.

        Raises what refused it; NotCommitted when it was admitted but no block took it in time; OutcomeUnknown when the
        connection broke after an attempt that may have gone through, and the gateway no longer knows.
        """
        if wait not in WAITS:
            raise ValueError(f"wait: {wait!r} is not one of {', '.join(WAITS)}")
        deadline, again = time.monotonic() + timeout_seconds, False
        while True:
            remaining = max(deadline - time.monotonic(), 0.05)
            request = trading.SubmitEnvelopeRequest(envelope=envelope, wait=WAITS[wait],
                                                    timeout_ms=min(int(remaining * 1000), 60_000))
            try:
                response = await self._call(self._trading.Submit, request, remaining + 1)
            except NotAvailable:
                if time.monotonic() + RETRY_SECONDS > deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
                again = True
                continue
            try:
                return sent_from(response.outcome, envelope, wait)
            except InvalidNonce as error:
                if again:
                    raise OutcomeUnknown("OUTCOME_UNKNOWN", "the nonce is used now, perhaps by this very envelope",
                                         metadata={"hash": response.outcome.hash.hex(), **error.metadata}) from error
                raise

    async def submit_batch(self, batch: Sequence[bytes], *, wait: str = "admitted",
                           timeout_seconds: float = 10.0) -> list[trading.SubmissionOutcome]:
        """Send many signed envelopes (at most 256, 1 MiB) in one call; the outcome of each, in order."""
        request = trading.SubmitBatchRequest(envelopes=batch, wait=WAITS[wait], timeout_ms=int(timeout_seconds * 1000))
        return list((await self._call(self._trading.SubmitBatch, request, timeout_seconds + 1)).outcomes)

    # Inside.

    async def _one(self, action: tx_pb2.Action, options: dict[str, Any]) -> Sent:
        """Send one action and raise its error."""
        sent = await self.send([action], **options)
        for error in sent.errors():
            if error is not None:
                raise error
        return sent

"""From the state of a chain to the genesis of another: balances, positions, markets and parameters go with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.accounts.types import Account
from app.carried import LEFT
from app.chain import read_head
from app.params import APP_VERSION
from app.registry import TABLES
from app.store.table import EMPTY_RECORD, RECORD_SPACE
from app.store.view import Reader
from node.comet.config import GenesisValidator, genesis_document
from node.comet.keys import address_of, public_json_of
from novation.v1 import state_pb2

COUNTED = {"orders": (state_pb2.OpenOrders, "orders"), "triggers": (state_pb2.Triggers, "triggers")}


Counts = dict[str, int]
Progress = Callable[[int, int], object]
"""Told (records done, records in all) now and then."""


def export_genesis(store: Reader, chain_id: str, now_ns: int,
                   progress: Progress = lambda done, total: None) -> tuple[dict[str, Any], Counts, Counts]:
    """CometBFT's genesis.json of a chain that goes on from the stored state under another name: heights go on, time
    begins now. With it how many records of each table it has, and what it leaves behind.
    """
    head = read_head(store)
    carried: dict[str, dict[str, str]] = {}
    left: dict[str, int] = {}
    done, total = 0, sum(1 for _ in store.scan(RECORD_SPACE))
    for name, schema in TABLES.items():
        rows = list(store.scan(RECORD_SPACE + bytes([schema.prefix])))
        if name in LEFT:
            left |= _left(name, [value for _, value in rows])
            continue
        for stored_key, value in rows:
            done += 1
            if done % 1_000 == 0:
                progress(done, total)
            key = stored_key[2:]
            if name == "accounts":
                value = _without_orders(schema.decode(key, value))
            elif name == "params":
                value = _renamed(value, chain_id)
            carried.setdefault(name, {})[key.hex()] = value.hex()
    document = genesis_document(chain_id, _validators(store), {"carried": carried}, max(now_ns, head.time_ns),
                                APP_VERSION)
    document["initial_height"] = str(head.height + 1)
    document["consensus_params"]["abci"]["vote_extensions_enable_height"] = str(head.height + 1)
    return document, {name: len(rows) for name, rows in carried.items()}, left


def _without_orders(account: Account) -> bytes:
    """An account whose orders are gone."""
    kept = {market: replace(held, open_buy_lots=0, open_buy_notional_quanta=0, open_sell_lots=0,
                            open_sell_notional_quanta=0)
            for market, held in account.positions.items() if held.lots}
    return TABLES["accounts"].encode(replace(account, positions=kept)) or EMPTY_RECORD


def _renamed(value: bytes, chain_id: str) -> bytes:
    params = state_pb2.Params.FromString(value)
    params.chain_id = chain_id
    return params.SerializeToString(deterministic=True)


def _left(table: str, values: list[bytes]) -> dict[str, int]:
    """What of a table matters to people and is left behind."""
    if table in COUNTED:
        message, field = COUNTED[table]
        return {table: sum(len(getattr(message.FromString(value), field)) for value in values)}
    return {table: len(values)} if table in ("switches", "protections", "auctions") else {}


def _validators(store: Reader) -> list[GenesisValidator]:
    schema = TABLES["validators"]
    for _, value in store.scan(RECORD_SPACE + bytes([schema.prefix])):
        newest = state_pb2.ValidatorSets.FromString(value).sets[-1]
        return [GenesisValidator(f"validator-{at}", public_json_of(one.public_key),
                                 address_of(one.public_key).hex().upper(), one.power)
                for at, one in enumerate(newest.validators)]
    return []


def plain(app_state: dict[str, Any]) -> dict[str, Any]:
    """Parameters and feeds of a genesis as presets write them, also where it carries records."""
    carried = app_state.get("carried")
    if carried is None:
        return app_state
    params = state_pb2.Params.FromString(bytes.fromhex(next(iter(carried["params"].values()))))
    feeds = [state_pb2.Feed.FromString(bytes.fromhex(value)) for value in carried.get("feeds", {}).values()]
    return {"params": {"test_network": params.test_network},
            "feeds": [{"feed": one.feed, "symbol": one.symbol, "decimals": one.decimals, "price": one.price}
                      for one in feeds]}


def with_sole_validator(document: dict[str, Any], validator: GenesisValidator) -> dict[str, Any]:
    """A genesis in which one validator has all the power."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    changed["validators"] = [{"address": validator.address, "pub_key": validator.key, "power": str(validator.power),
                              "name": validator.name}]
    return changed

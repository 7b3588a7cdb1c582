"""A genesis that carries the state of another chain: its records as they are, but for what cannot outlive it."""

from typing import Any

from google.protobuf.message import DecodeError

from app.context import Context
from app.errors import GenesisError
from app.params import PARAMS_KEY
from app.store.table import EMPTY_RECORD

# What stays behind: resting orders and what hangs on them, runs that begin anew, and what belongs to consensus.
LEFT = frozenset(
    (
        "auctions",
        "backlog",
        "clock",
        "orders",
        "protections",
        "reporters",
        "sweeps",
        "switches",
        "triggers",
        "validators",
    )
)
COMPANIONS = ("totals", "books", "funding")  # every market has one of each


def load_carried(ctx: Context, chain_id: str, section: Any) -> None:
    """GEN-002: store the records of `section`, {table: {key: record}} in lower-case hex. Raises GenesisError."""
    if not isinstance(section, dict) or section.keys() - (ctx.tables.keys() - LEFT):
        raise GenesisError(f"carried: tables of {sorted(ctx.tables.keys() - LEFT)}, and no others")
    for name in sorted(section):
        table, records = ctx.tables[name], section[name]
        if not isinstance(records, dict):
            raise GenesisError(f"carried: {name}: an object")
        schema = table.schema
        for key_text in sorted(records):
            encoded_key, value = from_hex(name, key_text), from_hex(name, records[key_text])
            try:
                key = schema.decode_key(encoded_key)
                record = schema.decode(key, value)
                canonical = schema.encode_key(key) == encoded_key and (schema.encode(record) or EMPTY_RECORD) == value
            except (ValueError, KeyError, IndexError, TypeError, OverflowError, DecodeError) as error:
                raise GenesisError(f"carried: {name}: {key_text} is no record") from error
            if not canonical:
                raise GenesisError(f"carried: {name}: {key_text} is not written as this version writes it")
            if name == "feeds" and record.absent_from_ns:
                record.absent_from_ns = ctx.time_ns  # ORCL-013: between the two chains there were no blocks
            table.put(key, record)
    for name in COMPANIONS:
        if section.get(name, {}).keys() != section.get("markets", {}).keys():
            raise GenesisError(f"carried: {name}: one for each market")
    params = ctx.params_table.get(PARAMS_KEY)
    if params is None or params.chain_id != chain_id:
        raise GenesisError(f"carried: params: those of {chain_id!r}")
    ctx.params = params


def from_hex(table: str, text: object) -> bytes:
    """Bytes of lower-case hex. Raises GenesisError."""
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        data = None
    if data is None or data.hex() != text:
        raise GenesisError(f"carried: {table}: lower-case hex, not {str(text)[:40]}")
    return data

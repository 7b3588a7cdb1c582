"""What a genesis carries over from another chain, for people."""

from typing import Any

from google.protobuf.message import DecodeError

from app.chain import Chain
from app.errors import GenesisError
from app.store.view import DictReader
from genesis.builder import canonical
from node.records import RECORDS, as_data
from novation.v1 import state_pb2


def carries(app_state: dict[str, Any]) -> bool:
    """Whether a genesis goes on from the state of another chain."""
    return "carried" in app_state


def carried_problem(app_state: dict[str, Any]) -> str:
    """What the chain itself says of a genesis that carries records, "" when it accepts it; the chain's name is the one
    that the records have."""
    try:
        Chain(DictReader()).init_chain(_params(app_state).chain_id, 1, 1, canonical(app_state))
    except GenesisError as error:
        return str(error)
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError, DecodeError):
        return "carried: params: there are none"
    return ""


def carried_summary(app_state: dict[str, Any]) -> tuple[list[str], int]:
    """The symbols of the markets that a genesis carries, and how many accounts."""
    records = app_state["carried"]
    markets = [state_pb2.Market.FromString(bytes.fromhex(value)) for value in records.get("markets", {}).values()]
    return [market.symbol for market in markets], len(records.get("accounts", {}))


def legible_records(app_state: dict[str, Any]) -> dict[str, Any]:
    """What a genesis carries with the fields of its records. Raises KeyError, ValueError or DecodeError."""
    return {table: {key: as_data(RECORDS[table].FromString(bytes.fromhex(value))) for key, value in records.items()}
            for table, records in app_state["carried"].items()}


def _params(app_state: dict[str, Any]) -> state_pb2.Params:
    return state_pb2.Params.FromString(bytes.fromhex(next(iter(app_state["carried"]["params"].values()))))

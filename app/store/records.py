"""Codecs of flat records: a slotted dataclass beside a protobuf message with the same field names."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from google.protobuf.message import Message

R = TypeVar("R")


NO_ROWS: Mapping[str, Any] = {}


def flat_encoder(
    message: type[Message], record: type[Any], rows: Mapping[str, Any] = NO_ROWS
) -> Callable[[Any], bytes]:
    """An encoder of `record` objects to the deterministic bytes of `message`.

    `rows` names the fields that hold a tuple of named tuples, each beside a message with the same field names.
    """
    names = _field_names(record)

    def encode(value: Any) -> bytes:
        fields = {name: getattr(value, name) for name in names}
        for name in rows:
            fields[name] = [row._asdict() for row in fields[name]]
        return message(**fields).SerializeToString(deterministic=True)

    return encode


def flat_decoder(
    message: type[Message], record: Callable[..., R], rows: Mapping[str, Any] = NO_ROWS
) -> Callable[[Any, bytes], R]:
    """The inverse of `flat_encoder`; the key is not part of a flat record."""
    names = _field_names(record)

    def decode(_key: Any, data: bytes) -> R:
        decoded = message.FromString(data)
        fields = {name: getattr(decoded, name) for name in names}
        for name, row in rows.items():
            fields[name] = tuple(row(*(getattr(one, field) for field in row._fields)) for one in fields[name])
        return record(**fields)

    return decode


def _field_names(record: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.name != "stamp")

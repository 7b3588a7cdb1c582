"""Codecs of flat records: a slotted dataclass beside a protobuf message with the same field names."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from google.protobuf.message import Message

R = TypeVar("R")


def flat_encoder(message: type[Message], record: type[Any]) -> Callable[[Any], bytes]:
    """An encoder of `record` objects to the deterministic bytes of `message`."""
    names = _field_names(record)

    def encode(value: Any) -> bytes:
        return message(**{name: getattr(value, name) for name in names}).SerializeToString(deterministic=True)

    return encode


def flat_decoder(message: type[Message], record: Callable[..., R]) -> Callable[[Any, bytes], R]:
    """The inverse of `flat_encoder`; the key is not part of a flat record."""
    names = _field_names(record)

    def decode(_key: Any, data: bytes) -> R:
        decoded = message.FromString(data)
        return record(**{name: getattr(decoded, name) for name in names})

    return decode


def _field_names(record: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.name != "stamp")

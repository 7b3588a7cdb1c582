"""Messages as JSON: names as in the .proto files, 64-bit integers as decimal text, bytes in hexadecimal.

JavaScript's numbers are exact up to 2^53 only; a field is written one way whatever its value, so no reader can forget.
Enums are words: SIDE_BUY is "buy". Unset messages and members of a oneof are left out, everything else is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

Convert = Callable[[Any], Any]
WIDE = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}


def plain(message: Message) -> dict[str, Any]:
    """A message as what JSON knows."""
    found: dict[str, Any] = {}
    for name, convert, present, repeated in _fields(message.DESCRIPTOR):
        if repeated:
            found[name] = [convert(one) for one in getattr(message, name)]
        elif not present or message.HasField(name):
            found[name] = convert(getattr(message, name))
    return found


def compact(value: Any) -> bytes:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


@lru_cache(maxsize=256)
def _fields(descriptor: Descriptor) -> tuple[tuple[str, Convert, bool, bool], ...]:
    """Of each field: name, how to write a value, whether it may be absent, whether there are many."""
    return tuple((field.name, _convert(field), field.has_presence, field.is_repeated) for field in descriptor.fields)


def _convert(field: FieldDescriptor) -> Convert:
    if field.cpp_type in WIDE:
        return str
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return plain
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        words = _words(field.enum_type)
        return lambda number: words.get(number, number)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex
    return lambda value: value


@lru_cache(maxsize=64)
def _words(kind: EnumDescriptor) -> dict[int, str]:
    """TIME_IN_FORCE_POST_ONLY of TimeInForce is "post_only"."""
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.name).upper() + "_"
    return {value.number: value.name.removeprefix(prefix).lower() for value in kind.values}

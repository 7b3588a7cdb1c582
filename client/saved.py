"""What an answer rests on, in a file: records with their proofs, and the two headers around them.

    save_inputs(found, "alice.json")                 # after client.offline.prove_risk
    inputs = SavedInputs.read("alice.json", trusted_hash)
    again = await prove_risk(inputs, request)        # years later, without any node

A file is as good as the hash of its second header, which you compare with what you trust: everything else in it is
checked against that hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from client.errors import NotProven
from client.light import LightError, Record, proven
from client.light_headers import BlockId, Header
from client.light_proofs import Operator

FORMAT = "novation risk inputs 1"


class SavedInputs:
    """The records and headers of a file, in the place of a light client. Every record is checked when it is asked for;
    one that is not there is NotProven.
    """

    def __init__(self, own: Header, following: Header, records: list[dict[str, Any]],
                 trusted_hash: bytes = b"") -> None:
        """Raises LightError when the headers are not those that `trusted_hash` stands for."""
        if trusted_hash and following.hash() != trusted_hash:
            raise LightError(f"the file's header at height {following.height} is not the trusted one")
        if following.last_block.hash != own.hash() or following.height != own.height + 1:
            raise LightError("the file's headers do not follow one another")
        self.own, self.following = own, following
        self._records = {(one["table"], one["key"]): one for one in records}

    @staticmethod
    def read(file: str | Path, trusted_hash: bytes = b"") -> SavedInputs:
        """The inputs of a file; without a hash it is trusted as it is. Raises LightError."""
        try:
            document = json.loads(Path(file).read_text())
            if document["format"] != FORMAT:
                raise LightError(f"{file} is of format {document['format']!r}")
            headers = [header_from(document[name]) for name in ("header", "next_header")]
            return SavedInputs(*headers, list(document["records"]), trusted_hash)
        except (KeyError, TypeError, ValueError) as error:
            raise LightError(f"{file} does not hold inputs: {error!r}") from error

    def keys(self, table: str) -> Iterator[bytes]:
        """The keys of the records of a table, present or absent."""
        return (bytes.fromhex(key) for name, key in self._records if name == table)

    async def header(self, height: int) -> Header:
        """One of the two headers. Raises NotProven for another height."""
        for header in (self.own, self.following):
            if header.height == height:
                return header
        raise NotProven("NOT_PROVEN", f"the file is of height {self.own.height}, not {height}")

    async def record(self, table: str, key: bytes, height: int = 0, *, form: str = "") -> Record:
        """A record, checked, or its absence. Raises NotProven when the file does not have it, ProofError."""
        await self.header(height or self.own.height)
        one = self._records.get((table, key.hex()))
        if one is None:
            raise NotProven("NOT_PROVEN", "the file does not hold it", metadata={"table": table, "key": key.hex()})
        try:
            value = bytes.fromhex(one["value"])
            operators = [Operator(kind, bytes.fromhex(name), bytes.fromhex(data)) for kind, name, data in one["proof"]]
        except (KeyError, TypeError, ValueError) as error:
            raise LightError(f"the file is damaged at {table} {key.hex()}: {error!r}") from error
        return proven(self.following, self.own.height, table, key, value, operators)


def save_inputs(file: str | Path, own: Header, following: Header, records: Iterable[Record]) -> None:
    """Write what an answer rests on: its records, `own` header of their height and the one that commits to them."""
    Path(file).write_text(json.dumps({
        "format": FORMAT, "header": header_data(own), "next_header": header_data(following),
        "records": [{"table": one.table, "key": one.key.hex(), "value": (one.value or b"").hex(),
                     "proof": [[step.kind, step.key.hex(), step.data.hex()] for step in one.operators]}
                    for one in records]}, indent=1) + "\n")


def header_data(header: Header) -> dict[str, Any]:
    """A header as plain data: bytes in hex."""
    return _hex(asdict(header))


def _hex(data: dict[str, Any]) -> dict[str, Any]:
    return {name: _hex(value) if isinstance(value, dict) else value.hex() if isinstance(value, bytes) else value
            for name, value in data.items()}


def header_from(data: dict[str, Any]) -> Header:
    """The inverse of `header_data`. Raises KeyError, TypeError, ValueError."""
    last = data["last_block"]
    made: dict[str, Any] = {"last_block": BlockId(bytes.fromhex(last["hash"]), int(last["parts_total"]),
                                                  bytes.fromhex(last["parts_hash"]))}
    for field in fields(Header):
        if field.name not in made:
            value = data[field.name]
            is_text = field.name != "chain_id" and isinstance(value, str)
            made[field.name] = bytes.fromhex(value) if is_text else value
    return Header(**made)

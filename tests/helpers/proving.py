"""A light client over a driver's chain in this process: real proofs, checked, without CometBFT."""

from dataclasses import dataclass, field

from app.params import APP_VERSION
from app.store.proofs import StateVersion, ics23_proof
from app.store.table import RECORD_SPACE
from app.store.view import DictReader
from client.light import Record, proven
from client.light_headers import BlockId, Header
from client.light_proofs import Operator
from tests.helpers import builders
from tests.helpers.driver import Driver


@dataclass
class ProvingLight:
    """The state of a driver as it is now, record by record with proofs. `lies` are what it says instead, `asked` what
    it was asked for.
    """

    driver: Driver
    app_version: int = APP_VERSION
    lies: dict[tuple[str, bytes], bytes | None] = field(default_factory=dict)
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chain = self.driver.chain
        versions = {name: tree.version for name, tree in chain.trees.items()}
        self.state = StateVersion(self.driver.height, self.driver.app_hash, versions, DictReader(self.driver.reader))

    async def header(self, height: int) -> Header:
        """The header of the driver's height, and the one after it, which carries its app hash."""
        is_next = height > self.driver.height
        before = (await self.header(height - 1)).hash() if is_next else bytes(32)
        return Header(11, self.app_version, builders.CHAIN_ID, height, self.driver.time_ns + is_next * 10**9,
                      BlockId(before, 1, bytes(32)), b"", b"", b"", b"", b"",
                      self.driver.app_hash if is_next else bytes(32), b"", b"", bytes(20))

    async def record(self, table: str, key: bytes, height: int = 0, *, form: str = "store") -> Record:
        """A record with its proof checked, or its absence."""
        assert height in (0, self.driver.height) and form == "ics23"
        self.asked.append((table, key))
        tree = self.state.trees[table]
        value = self.state.reader.get(RECORD_SPACE + bytes([tree.prefix]) + key)
        value = self.lies.get((table, key), value)
        header = await self.header(self.driver.height + 1)
        operators = [Operator(one.kind, one.key, one.data) for one in ics23_proof(self.state, table, key)]
        return proven(header, self.driver.height, table, key, value or b"", operators)

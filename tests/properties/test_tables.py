"""Typed tables with savepoints against a stack of plain dicts."""

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.kernel.codec import u32, u32_from
from app.store.table import Journal, Schema, Table
from app.store.view import DictReader

PREFIX = 77
keys = st.integers(0, 5)
tables = st.sampled_from((0, 1))


@dataclass(slots=True)
class Counter:
    """A record of two numbers."""

    number: int = 0
    other: int = 0
    stamp: int = 0

    def copy(self) -> "Counter":
        """A copy that may be changed."""
        return replace(self)


def encode(record: Counter) -> bytes:
    """Two numbers of eight bytes."""
    return record.number.to_bytes(8, "big") + record.other.to_bytes(8, "big")


def decode(_key: int, data: bytes) -> Counter:
    """The inverse of `encode`."""
    return Counter(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big"))


Model = dict[tuple[int, int], tuple[int, int]]


class TableMachine(RuleBasedStateMachine):
    """Two tables that share a journal; the model keeps a copy of everything for each open savepoint."""

    @initialize(cache=st.sampled_from((2, 1000)))
    def start(self, cache: int) -> None:
        """Empty tables; a small cache is thrown away often."""
        self.cache = cache
        self.reader = DictReader()
        self.committed: Model = {}
        self.working: Model = {}
        self.saved: list[Model] = []
        self.open()

    def open(self) -> None:
        """Tables over what is stored."""
        self.journal = Journal()
        self.tables = [Table(Schema(f"table {index}", PREFIX + index, u32, u32_from, encode, decode), self.reader,
                             self.journal, self.cache) for index in (0, 1)]
        self.journal.savepoint()  # the block's own

    @rule(table=tables, key=keys, number=st.integers(0, 99))
    def put(self, table: int, key: int, number: int) -> None:
        """Insert or replace."""
        self.tables[table].put(key, Counter(number))
        self.working[table, key] = number, 0

    @rule(table=tables, key=keys, add=st.integers(1, 9), twice=st.booleans())
    def edit(self, table: int, key: int, add: int, twice: bool) -> None:
        """Change in place, perhaps twice; KeyError when there is nothing."""
        if (table, key) not in self.working:
            try:
                self.tables[table].edit(key)
            except KeyError:
                return
            raise AssertionError("edited what is not there")
        for _ in range(1 + twice):
            self.tables[table].edit(key).other += add
            number, other = self.working[table, key]
            self.working[table, key] = number, other + add

    @rule(table=tables, key=keys)
    def delete(self, table: int, key: int) -> None:
        """Remove, whether it is there or not."""
        self.tables[table].delete(key)
        self.working.pop((table, key), None)

    @rule()
    def savepoint(self) -> None:
        """Open one more."""
        self.journal.savepoint()
        self.saved.append(self.working.copy())

    @precondition(lambda self: self.saved)
    @rule()
    def release(self) -> None:
        """Keep what happened since the innermost one."""
        self.journal.release()
        self.saved.pop()

    @precondition(lambda self: self.saved)
    @rule()
    def rollback(self) -> None:
        """Undo what happened since the innermost one."""
        self.journal.rollback()
        self.working = self.saved.pop()

    @rule()
    def drop_block(self) -> None:
        """The block is run again from what is committed."""
        while self.journal.marks:
            self.journal.rollback()
        for table in self.tables:
            table.drop()
        self.journal.savepoint()
        self.working, self.saved = self.committed.copy(), []

    @rule(restart=st.booleans())
    def commit(self, restart: bool) -> None:
        """The block becomes durable; perhaps everything starts again from storage."""
        for table in self.tables:
            self.reader.write({table.space + key: value for key, value in table.changes().items()})
            table.merge()
        self.journal.clear()
        self.journal.savepoint()
        self.committed, self.saved = self.working.copy(), []
        if restart:
            self.open()

    @invariant()
    def same(self) -> None:
        """Working and committed records, changes and stored bytes are the model's."""
        for index, table in enumerate(self.tables):
            for key in range(6):
                record, committed = table.get(key), table.peek(key)
                assert (record and (record.number, record.other)) == self.working.get((index, key))
                assert (committed and (committed.number, committed.other)) == self.committed.get((index, key))
            changes = table.changes()
            assert list(changes) == sorted(changes)
            after = {key: encode(record) for key, record in table.scan()}
            for raw, value in changes.items():
                after.pop(u32_from(raw), None)
                if value is not None:
                    after[u32_from(raw)] = value
            mine = {key: pair for (where, key), pair in self.working.items() if where == index}
            assert after == {key: encode(Counter(*pair)) for key, pair in mine.items()}
        stored = {key for key in self.reader if key[:1] == b"r"}
        assert len(stored) == len(self.committed)


TableMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestTables = TableMachine.TestCase

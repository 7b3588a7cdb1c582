"""The state tree against its definition, for any sequence of changes, restarts and regroupings; and proofs from any of
the heights that are kept.
"""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.store import tree as tree_module
from app.store.proofs import StateVersion, ics23_proof, simple_proof
from app.store.tree import DomainTree
from client.light_proofs import Operator, ProofError, verify_absence, verify_value
from tests.helpers.states import States, naive_root

KEEP = 4
keys = st.integers(0, 60).map(lambda number: number.to_bytes(2, "big"))
values = st.binary(min_size=1, max_size=12)
changes = st.dictionaries(keys, st.one_of(st.none(), values), max_size=25)


class TreeMachine(RuleBasedStateMachine):
    """Changes, restarts and changes of the grouping, in any order."""

    @initialize(rows=st.integers(1, 6))
    def start(self, rows: int) -> None:
        self.usual = tree_module.GROUP_ROWS
        tree_module.GROUP_ROWS = rows
        self.states = States("accounts", "orders")
        self.records: dict[bytes, bytes] = {}
        self.kept: list[tuple[StateVersion, dict[bytes, bytes]]] = []

    def teardown(self) -> None:
        tree_module.GROUP_ROWS = self.usual

    @rule(changes=changes)
    def commit(self, changes: dict[bytes, bytes | None]) -> None:
        staged = self.states.trees["accounts"].stage(changes)
        state = self.states.commit({"accounts": changes})
        for key, value in changes.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        assert staged.root == self.states.trees["accounts"].root == naive_root(self.records)
        self.kept = [*self.kept, (state, dict(self.records))][-KEEP:]

    @rule(rows=st.integers(1, 40))
    def regroup(self, rows: int) -> None:
        tree_module.GROUP_ROWS = rows

    @rule()
    def restart(self) -> None:
        for name, tree in list(self.states.trees.items()):
            again = DomainTree(tree.prefix, self.states.reader)
            assert again.root == tree.root
            self.states.trees[name] = again

    @rule(key=keys, at=st.integers(0, KEEP - 1))
    def prove(self, key: bytes, at: int) -> None:
        if at < len(self.kept):
            check_proofs(*self.kept[at], key)

    @invariant()
    def storage_holds_one_name_and_one_row_a_record(self) -> None:
        if not hasattr(self, "states"):
            return
        groups = [value for _, value in self.states.reader.scan(b"t\x01g")]
        assert sum((len(value) - 32) // 64 for value in groups) == len(self.records)
        assert sorted(value for _, value in self.states.reader.scan(b"t\x01k")) == sorted(self.records)


def check_proofs(state: StateVersion, records: dict[bytes, bytes], key: bytes) -> None:
    """The proof of a key's presence or absence holds, and its opposite cannot be shown with it."""
    proofs = [ics23_proof(state, "accounts", key)]
    value = records.get(key)
    if value is not None:
        proofs.append(simple_proof(state, "accounts", key))
    for proof in proofs:
        operators = [Operator(step.kind, step.key, step.data) for step in proof]
        if value is not None:
            verify_value(state.app_hash, "accounts", key, value, operators)
            accepts_absence = True
            try:
                verify_absence(state.app_hash, "accounts", key, operators)
            except ProofError:
                accepts_absence = False
            assert not accepts_absence
        else:
            verify_absence(state.app_hash, "accounts", key, operators)


TestTree = TreeMachine.TestCase
TestTree.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_garbage_is_a_refused_proof_and_nothing_else(first: bytes, second: bytes) -> None:
    """Whatever bytes a node sends, the client's verifier raises ProofError and no other exception."""
    for kinds in (("simple:v", "simple:v"), ("ics23:simple", "ics23:simple"), ("x", "simple:v")):
        operators = [Operator(kind, b"key", data) for kind, data in zip(kinds, (first, second), strict=True)]
        for attempt in (lambda: verify_value(bytes(32), "t", b"k", b"v", operators),  # noqa: B023
                        lambda: verify_absence(bytes(32), "t", b"k", operators),  # noqa: B023
                        lambda: verify_absence(bytes(32), "t", b"k", operators[:1])):  # noqa: B023
            try:
                attempt()
            except ProofError:
                continue
            raise AssertionError("garbage was accepted")

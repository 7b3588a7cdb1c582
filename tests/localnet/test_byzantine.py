"""Four validators, one of them byzantine, through real CometBFT: votes that its peers refuse, proposals that they
reject, a clock that is wrong, its removal and return while votes run, and feeders that all fall silent. The chain never
stops, and all agree.

The tests share one network and run in the order of the file. They are all the feeders themselves.
"""

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from app.kernel.codec import u32
from app.oracle.rules import FRESH, STALE
from node.comet.config import edit_config
from node.comet.keys import CometKey, read_key
from node.prices.observation import Observation, encode
from novation.v1 import state_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ETH, ORACLE, Person
from tests.helpers.records import votes_in
from tests.localnet.byzantine_engine import TRICKS
from tests.localnet.single import Node, make_line, replay, time_ns_of, wait_until
from tests.localnet.skewed_signer import SkewedSigner

pytestmark = pytest.mark.localnet

S = 10**9
WARM_UP_S = 4
HONEST_SPREAD = Decimal("0.5")
BYZANTINE = ("-m", "tests.localnet.byzantine_engine")


class Feeders(threading.Thread):
    """What each node's feeder says, ten times a second: the price of BTC and a little more from node to node; nothing
    while `price` is None. The last one lies when told to.
    """

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__(daemon=True)
        self.nodes = nodes
        self.price: Decimal | None = Decimal(46_000)
        self.lie: Decimal | None = None
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        connections: dict[int, socket.socket] = {}
        while not self.ended.wait(0.1):
            for at, node in enumerate(self.nodes):
                said = self.lie if self.lie and at == len(self.nodes) - 1 else self.price
                if said is not None:
                    seen = {"BTC/USD": said + at * HONEST_SPREAD / 2, "ETH/USD": Decimal(24_000)}
                    try:
                        if at not in connections:
                            connections[at] = socket.socket(socket.AF_UNIX)
                            connections[at].connect(str(node.home.prices_socket))
                        connections[at].sendall(encode(Observation(time.time_ns(), seen)))
                    except OSError:  # the engine starts, or ends
                        connections.pop(at).close()
        for one in connections.values():
            one.close()


class Network:
    """The nodes, and what a test does with them."""

    def __init__(self, nodes: list[Node], signer: SkewedSigner) -> None:
        self.nodes = nodes
        self.signer = signer  # of the last one
        self.rpc = nodes[0].rpc
        self.feeders = Feeders(nodes)
        self.nonces: dict[bytes, int] = {}

    @property
    def height(self) -> int:
        """That of the first node."""
        return self.rpc.status().height

    def blocks(self, count: int) -> None:
        """So many more on each node that validates honestly."""
        target = self.height + count
        for node in self.nodes[:3]:
            node.wait_height(target)

    def record(self, table: str, key: bytes) -> bytes:
        """A record of the first node's committed state."""
        answer = self.rpc.call("abci_query", path=f"/store/{table}/key", data=key.hex())["response"]
        return base64.b64decode(answer["value"] or "")

    def feed(self) -> state_pb2.Feed:
        """The feed of BTC."""
        return state_pb2.Feed.FromString(self.record("feeds", u32(BTC)))

    def lots(self, person: Person) -> int:
        """What somebody holds of BTC."""
        account = state_pb2.Account.FromString(self.record("accounts", person.account()))
        return sum(one.lots for one in account.positions if one.market == BTC)

    def act(self, person: Person, *actions: tx_pb2.Action) -> str:
        """Send an envelope and wait for its block; "" when all succeeded, else why not."""
        nonce = self.nonces[person.owner] = self.nonces.get(person.owner, 0) + 1
        raw, height = b.envelope(person, list(actions), nonce), self.height
        reply = self.rpc.call("broadcast_tx_sync", tx=base64.b64encode(raw).decode())
        assert reply["code"] == 0, reply
        found: list[bytes] = []

        def included() -> bool:
            nonlocal height
            while not found and height < self.height - 1:  # the results of the last block may not be there yet
                height += 1
                txs = [base64.b64decode(tx) for tx in self.rpc.block(height)["block"]["data"]["txs"] or []]
                if raw in txs:
                    result = self.rpc.call("block_results", height=str(height))["txs_results"][txs.index(raw)]
                    found.append(base64.b64decode(result["data"]))
            return bool(found)

        wait_until(included, "the envelope in a block", 60)
        result = tx_pb2.EnvelopeResult.FromString(found[0])
        return next((one.reason for one in result.actions if one.reason), result.reason)

    def proposer(self, height: int) -> bytes:
        """Who proposed a block."""
        return bytes.fromhex(self.rpc.block(height)["block"]["header"]["proposer_address"])

    def voters(self, height: int) -> set[bytes]:
        """Whose votes a block holds."""
        rows = self.rpc.validators(height - 1)
        record = votes_in(base64.b64decode(self.rpc.block(height)["block"]["data"]["txs"][0]))
        order = sorted((-int(row["voting_power"]), bytes.fromhex(row["address"])) for row in rows)
        return {order[one.place][1] for one in record.votes}

    def time_ns(self, height: int) -> int:
        """The time of a block."""
        return time_ns_of(self.rpc.block(height)["block"]["header"]["time"])

    def wait_fresh(self) -> None:
        """Until the price can be trusted, as it can unless this machine is very busy."""
        wait_until(lambda: self.feed().validity == FRESH, "prices that are fresh", 60)

    def mischief(self, what: str) -> None:
        """What the last node does from now on."""
        (self.nodes[-1].home.root / "mischief").write_text(what)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    state = b.genesis(feeds={feed: {"max_age_ns": 3 * S, "warm_up_ns": WARM_UP_S * S} for feed in (BTC, ETH)},
                      cash={ALICE: 160_000_000})
    nodes = make_line(tmp_path_factory.mktemp("byzantine"), [10] * 4, state, timeout_commit_ms=100)
    home = nodes[-1].home
    edit_config(home, {"priv_validator_laddr": f"unix://{home.run}/signer.sock"})
    signer = SkewedSigner(home.run / "signer.sock", read_key(home.validator_key_file))
    made: Network | None = None
    try:
        for node in nodes:
            node.start_engine(*([BYZANTINE] if node is nodes[-1] else []))
            node.start_comet()
        made = Network(nodes, signer)
        for node in nodes:
            node.wait_height(3)
        made.wait_fresh()
        yield made
    finally:
        if made:
            made.feeders.ended.set()
            made.feeders.join()
            made.rpc.close()
        for node in nodes:
            node.stop()
        signer.stop()


def between(network: Network, low: int, high: int) -> Callable[[], bool]:
    """Whether the price of BTC lies in a range, in whole USD, give or take the honest spread."""
    return lambda: low * 1_000 <= network.feed().price <= (high + 1) * 1_000


def key_of(node: Node) -> CometKey:
    """The key that a node validates with."""
    return read_key(node.home.validator_key_file)


def test_all_four_vote(network: Network) -> None:
    """ORCL-003: records hold the votes of all, as long as all are honest and in time."""
    network.blocks(3)
    everybody = {key_of(node).address for node in network.nodes}
    wait_until(lambda: network.voters(network.height) == everybody, "a block with all votes", 60)
    assert between(network, 46_000, 46_000)()


@pytest.mark.parametrize("what", ["malformed", "oversize"])
def test_votes_that_peers_refuse_stop_nobody(network: Network, what: str) -> None:
    """ORCL-001, ORCL-003: one validator's extensions are refused by all others; it finds them good, so its own
    proposals are made of a commit that holds one. Blocks go on, the price follows the three, the one's votes are in no
    block, not even in its own.
    """
    network.mischief(f"extend {what}")
    network.blocks(2)
    start, price, liar = network.height, 46_100 if what == "malformed" else 46_200, key_of(network.nodes[-1]).address
    network.feeders.price = Decimal(price)
    wait_until(between(network, price, price), "the new price", 60)
    wait_until(lambda: liar in {network.proposer(at) for at in range(start, network.height)}, "a block of its own", 60)
    end = network.height
    network.nodes[-1].wait_height(end)
    assert liar not in set().union(*(network.voters(at) for at in range(start, end)))
    network.mischief("")
    network.wait_fresh()
    wait_until(lambda: liar in network.voters(network.height), "its honest votes again", 60)


@pytest.mark.parametrize("skew_s", [3_600, -3_600])
def test_a_clock_that_is_wrong_bends_no_time(network: Network, skew_s: int) -> None:
    """ORCL-005, ORCL-006: a validator signs with a clock that is an hour ahead, or behind. Block time, the weighted
    median of what was signed, stays among the others', so no price may move further for it, none ages, none warms up.
    """
    network.signer.skew_ns = skew_s * S
    network.blocks(2)
    start, liar = network.height, key_of(network.nodes[-1]).address
    network.blocks(6)
    end, now_ns = network.height, time.time_ns()
    network.signer.skew_ns = 0
    times = [network.time_ns(at) for at in range(start, end + 1)]
    assert times == sorted(times) and now_ns - 60 * S < times[0] <= times[-1] <= now_ns
    signed = [row for at in range(start, end) for row in network.rpc.block(at + 1)["block"]["last_commit"]["signatures"]
              if row["validator_address"] == liar.hex().upper()]
    assert any(abs(time_ns_of(row["timestamp"]) - now_ns) > 3_000 * S for row in signed), "its times are in the commits"
    network.wait_fresh()
    assert any(liar in network.voters(at) for at in range(start, end)), "and its votes in the records"


def test_tricks_of_a_proposer_cost_a_round_each(network: Network) -> None:
    """ORCL-003: whatever it does to the record, the others reject the block, and the next proposer's is decided; while
    it lies about prices too.
    """
    start, liar = network.height, key_of(network.nodes[-1]).address
    network.feeders.lie = Decimal(1)
    network.mischief("propose")

    def played() -> set[str]:
        text = network.nodes[-1].home.log_file("engine").read_text()
        return {name for name in TRICKS if f"name={name}" in text}

    wait_until(lambda: played() == TRICKS.keys(), "every trick", 120)
    network.blocks(1)
    end = network.height
    network.mischief("")
    network.feeders.lie = None
    assert liar not in {network.proposer(at) for at in range(start + 3, end)}
    network.wait_fresh()
    assert between(network, 46_200, 46_200)()
    logs = "".join(node.home.log_file("engine").read_text() for node in network.nodes[:3])
    for reason in ("is not signed by it", "the votes of the height before are missing", "no more than two thirds",
                   "not the one encoding", "a vote of nobody in the set", "TX_MALFORMED"):
        assert reason in logs, reason
    wait_until(lambda: liar in {network.proposer(at) for at in range(end, network.height)}, "a block of its own", 60)


def test_a_validator_leaves_and_comes_back_while_votes_run(network: Network) -> None:
    """VAL-003: taken out, put back with more than a third of the power, and as it was: each time the votes of two more
    blocks are of the old set, then of the new one; prices stay fresh throughout.
    """
    key = key_of(network.nodes[-1])
    for power in (0, 30, 10):
        before = network.height
        assert network.act(ORACLE, b.set_validator(key.public_key, power)) == ""
        wanted = 30 + power

        def total() -> int:
            return sum(int(row["voting_power"]) for row in network.rpc.validators(network.height))

        wait_until(lambda: total() == wanted, "the new set", 60)  # noqa: B023
        network.blocks(3)
        for height in range(before, network.height):
            assert (key.address in network.voters(height)) <= (
                key.address.hex().upper() in [row["address"] for row in network.rpc.validators(height - 1)])
        network.wait_fresh()
        if power:
            wait_until(lambda: key.address in network.voters(network.height), "its votes", 60)


def test_without_feeders_nobody_is_liquidated_and_nothing_opens(network: Network) -> None:
    """ORCL-006, ORCL-011: ALICE is long twenty times her money. All feeders fall silent; the chain goes on with a stale
    price; nothing opens, reducing and cancelling is possible. They come back with a price at which she is ruined:
    while it warms up nobody touches her; then she is closed, and trade goes on.
    """
    price = 46_200 * 1_000
    assert network.act(BOB, b.sell(price, 60)) == "" == network.act(ALICE, b.buy(price, 60))
    assert network.act(CAROL, b.buy(price // 2, 1, client_id=7)) == ""
    network.feeders.price = None
    wait_until(lambda: network.feed().validity == STALE, "a stale price", 60)
    network.blocks(3)
    assert network.act(CAROL, b.buy(price // 2, 1)) == "ORACLE_UNTRUSTED"
    assert network.act(CAROL, b.cancel(client_id=7)) == ""
    assert network.act(BOB, b.buy(price // 2, 1, reduce_only=True)) == "" == network.act(BOB, b.cancel_all())
    before_ns = network.feed().warm_from_ns
    network.feeders.price = Decimal(42_000)
    wait_until(lambda: network.feed().warm_from_ns > before_ns, "the price again", 60)
    warm_ns = network.feed().warm_from_ns + WARM_UP_S * S
    looks = []
    held = network.lots(ALICE)  # read before the feed, so that it is not younger than what the feed says
    while network.feed().voted_ns < warm_ns:
        looks.append(held)
        time.sleep(0.1)
        held = network.lots(ALICE)
    assert set(looks) == {60}, "nobody is touched while it warms up"
    wait_until(lambda: network.lots(ALICE) == 0, "what she cannot carry is closed", 60)
    network.wait_fresh()
    assert network.act(CAROL, b.buy(42_000 * 1_000, 1)) == ""


def test_all_agree_and_nothing_failed(network: Network) -> None:
    """Every app hash that a header states is that of a chain that ran the same blocks alone; all nodes have the same
    one; no engine and no CometBFT reports a failure.
    """
    network.blocks(2)
    last = network.height
    for node in network.nodes:
        node.wait_height(last)
    assert len({node.rpc.app_hash(last) for node in network.nodes}) == 1
    judged = replay(network.nodes[0], last)
    assert judged.records == last - 1, "each block after the first has good votes"
    for node in network.nodes:
        assert "CONSENSUS FAILURE" not in node.home.log_file("cometbft").read_text()
        engine = node.home.log_file("engine").read_text()
        assert "Traceback" not in engine and "[error" not in engine

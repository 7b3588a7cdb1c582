"""Where a node that joins by state sync gets what it must trust: height and hash of a block, on which servers agree."""

from dataclasses import dataclass, field

from node.comet.rpc import CometRpc, RpcError, RpcUnreachable

SERVERS_LEAST = 2  # CometBFT wants a witness beside the primary; the same server may be both


class TrustError(Exception):
    """The servers do not answer, or disagree; the message says which."""


@dataclass(frozen=True, slots=True)
class StateSync:
    """What CometBFT's light client starts from. Without servers a node runs every block since genesis."""

    servers: list[str] = field(default_factory=list)  # host:port of CometBFT's RPC
    trust_height: int = 0
    trust_hash: str = ""


def block_hash(server: str, height: int) -> str:
    """The hash of a block as a server tells it. Raises TrustError."""
    try:
        with CometRpc(server) as rpc:
            found: str = rpc.block(height)["block_id"]["hash"]
            return found
    except (RpcUnreachable, RpcError) as error:
        raise TrustError(f"{server} does not show block {height}: {error}") from error


def trusted_by(servers: list[str], named: str = "") -> StateSync:
    """Start from `named` (HEIGHT:HASH, from a source that you trust), else from the newest block of the first server;
    all servers must show the same hash. Raises TrustError.
    """
    if not servers:
        raise TrustError("no server")
    height_text, _, wanted = named.partition(":")
    if named and not (height_text.isdecimal() and len(wanted) == 64):
        raise TrustError(f"{named!r} is not HEIGHT:HASH with 64 hex digits")
    try:
        with CometRpc(servers[0]) as rpc:
            height = int(height_text or 0) or rpc.status().height - 1
    except (RpcUnreachable, RpcError) as error:
        raise TrustError(str(error)) from error
    if height < 1:
        raise TrustError(f"{servers[0]} has no block yet")
    expected = wanted.upper() or block_hash(servers[0], height)
    for server in servers:
        found = block_hash(server, height)
        if found != expected:
            raise TrustError(f"{server} shows {found} as block {height}, not {expected}")
    return StateSync(servers * SERVERS_LEAST if len(servers) < SERVERS_LEAST else servers, height, expected)

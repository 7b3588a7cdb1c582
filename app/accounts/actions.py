"""Agents: other keys that may trade for an account, and move nothing out of it."""

from app.accounts.types import Agent, Agents
from app.context import Context
from app.errors import ACCOUNT_AGENT_EXPIRY, ACCOUNT_AGENT_KEY, ACCOUNT_AGENT_LIMIT, ChainError
from app.events import AgentSet
from app.gas import TRANSFER
from app.kernel.hashing import address_of
from app.limits import MAX_AGENTS, MAX_TIME_NS
from novation.v1 import tx_pb2

ED25519 = tx_pb2.KEY_TYPE_ED25519
KEY_BYTES = 32


def handle_set_agent(ctx: Context, account: bytes, action: tx_pb2.SetAgent) -> tx_pb2.ActionResult:
    """ACCT-004: from now on a key may trade for this account until its expiry; one of 0 takes it away. What has expired
    goes.

    Raises ACCOUNT_AGENT_KEY, ACCOUNT_AGENT_EXPIRY, ACCOUNT_AGENT_LIMIT.
    """
    ctx.gas.charge(TRANSFER)
    expiry = action.expiry_time_ns
    if len(action.public_key) != KEY_BYTES or address_of(ED25519, action.public_key) == account[:20]:
        raise ChainError(ACCOUNT_AGENT_KEY, bytes=len(action.public_key))
    if expiry and not ctx.time_ns < expiry <= MAX_TIME_NS:
        raise ChainError(ACCOUNT_AGENT_EXPIRY, expiry_time_ns=expiry, time_ns=ctx.time_ns)
    address, record = address_of(ED25519, action.public_key), ctx.agents.get(account)
    others = record.agents if record else ()
    kept = [one for one in others if one.address != address and one.expiry_time_ns > ctx.time_ns]
    agents = tuple(sorted([*kept, Agent(address, expiry)] if expiry else kept))
    if len(agents) > MAX_AGENTS:
        raise ChainError(ACCOUNT_AGENT_LIMIT, most=MAX_AGENTS)
    if agents:
        ctx.agents.put(account, Agents(agents))
    elif record is not None:
        ctx.agents.delete(account)
    ctx.emit(AgentSet(account, address, expiry))
    return tx_pb2.ActionResult()

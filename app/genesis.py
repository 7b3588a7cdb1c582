"""From the genesis `app_state` (JSON) to the first records. The node refuses to start on anything that is not
exactly right.
"""

import json
from typing import Any

from app.accounts.genesis import load_account
from app.book.index import MarketBook
from app.book.types import BookState
from app.breakers.genesis import arm, arm_chain
from app.carried import load_carried
from app.collateral.genesis import load_asset
from app.collateral.types import FUNDS, VAULT_KEY, Fund, Vault, funding_pool
from app.context import Context
from app.errors import GenesisError
from app.fees.genesis import load_terms
from app.funding.types import Funding
from app.limits import MAX_VAULT_QUANTA
from app.liquidation.genesis import insure
from app.markets.genesis import load_market
from app.options.genesis import load_class
from app.oracle.genesis import load_feed, load_mark_price
from app.params import PARAMS_KEY, params_from_genesis
from app.portfolio.genesis import load_portfolio

SECTIONS = {"params", "feeds", "markets", "accounts"}
OPTIONAL = {"assets", "fees", "options", "portfolios"}
CARRIED = "carried"
OBJECTS = {"params", "fees"}  # the others are lists of objects


def parse_app_state(data: bytes) -> dict[str, Any]:
    """The JSON object, its sections checked for presence and kind. Raises GenesisError."""
    try:
        state = json.loads(data, parse_float=_refuse_fraction, parse_constant=_refuse_fraction)
    except ValueError as error:
        raise GenesisError(f"app_state is not JSON: {error}") from error
    if isinstance(state, dict) and state.keys() == {CARRIED}:
        return state
    if not isinstance(state, dict) or state.keys() - OPTIONAL != SECTIONS:
        raise GenesisError(f"app_state has the sections {sorted(SECTIONS)}, perhaps {sorted(OPTIONAL)}, and no others")
    for name in sorted(OBJECTS & state.keys()):
        if not isinstance(state[name], dict):
            raise GenesisError(f"{name}: an object")
    for name in sorted(state.keys() - OBJECTS):
        if not isinstance(state[name], list) or not all(isinstance(entry, dict) for entry in state[name]):
            raise GenesisError(f"{name}: a list of objects")
    return state


def _refuse_fraction(text: str) -> None:
    raise GenesisError(f"app_state holds integers only, not {text}")


def load_genesis(ctx: Context, chain_id: str, data: bytes) -> bool:
    """GEN-001, GEN-002: validate and store everything that exists before the first block. Raises GenesisError.

    True: it carries records of another chain, so what is derived from them must be made.
    """
    if not 1 <= len(chain_id.encode()) <= 50:
        raise GenesisError("chain_id: 1 to 50 bytes")
    state = parse_app_state(data)
    if CARRIED in state:
        load_carried(ctx, chain_id, state[CARRIED])
        return True
    params = params_from_genesis(chain_id, state["params"])
    ctx.params_table.put(PARAMS_KEY, params)
    ctx.params = params
    load_terms(ctx, state.get("fees", {}))
    arm_chain(ctx)
    for section in state["feeds"]:
        load_feed(ctx, section)
    insured = 0
    for section in state["markets"]:
        load_market(ctx, section)
        market = section["market"]
        load_mark_price(ctx, market)
        ctx.states.put(market, BookState())
        ctx.books[market] = MarketBook()
        ctx.funding.put(market, Funding())
        insured += insure(ctx, market, section)
        arm(ctx, market, section)
        ctx.funds.put(funding_pool(market), Fund())
    for section in state.get("options", ()):
        load_class(ctx, section)
    for section in state.get("portfolios", ()):
        load_portfolio(ctx, section)
    for section in state.get("assets", ()):
        load_asset(ctx, section)
    held = insured + sum(load_account(ctx, section) for section in state["accounts"])
    if held > MAX_VAULT_QUANTA:
        raise GenesisError(f"accounts and insurance funds: together more than {MAX_VAULT_QUANTA} quanta")
    ctx.vault.put(VAULT_KEY, Vault(held))
    for fund in FUNDS:
        ctx.funds.put(fund, Fund())
    return False

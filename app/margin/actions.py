"""An account chooses how it is margined."""

from app.accounts.state import require_account
from app.accounts.types import Account
from app.collateral.state import assets_value
from app.context import Context
from app.errors import MARGIN_INSUFFICIENT, MARGIN_MODE, MARGIN_MODE_TERMS, ChainError
from app.events import MarginModeSet
from app.gas import MODE, TOGETHER
from app.margin.rules import may_take_on
from app.margin.state import require_trusted, standing
from app.markets.state import require_market
from app.oracle.rules import OPEN
from app.portfolio.state import terms_of
from novation.v1 import tx_pb2

STANDARD, PORTFOLIO = tx_pb2.MARGIN_MODE_STANDARD, tx_pb2.MARGIN_MODE_PORTFOLIO


def handle_set_margin_mode(ctx: Context, key: bytes, action: tx_pb2.SetMarginMode) -> tx_pb2.ActionResult:
    """MARG-018: another mode, for an account that has its initial margin in both.

    Raises MARGIN_MODE, MARGIN_MODE_TERMS, MARGIN_INSUFFICIENT, ORACLE_UNTRUSTED, ACCOUNT_NOT_FOUND.
    """
    account = require_account(ctx.accounts.get(key), key)
    ctx.gas.charge(MODE + 2 * TOGETHER * len(account.positions))
    wanted = action.mode == PORTFOLIO
    if action.mode not in (STANDARD, PORTFOLIO) or wanted == account.portfolio:
        raise ChainError(MARGIN_MODE, mode=action.mode)
    require_trusted(ctx, account, OPEN)
    if wanted:
        check_terms(ctx, account)
    cash = account.cash_quanta + assets_value(ctx, account)
    for portfolio in (account.portfolio, wanted):
        now = standing(ctx, cash, account.positions.values(), portfolio=portfolio)
        if not may_take_on(now.usable, now.initial):
            mode = PORTFOLIO if portfolio else STANDARD
            raise ChainError(MARGIN_INSUFFICIENT, mode=mode, usable_quanta=now.usable, initial_quanta=now.initial)
    ctx.accounts.edit(key).portfolio = wanted
    ctx.emit(MarginModeSet(key, action.mode))
    return tx_pb2.ActionResult()


def check_terms(ctx: Context, account: Account) -> None:
    """PORT-012: MARGIN_MODE_TERMS when a market of the account is on an underlying that has no part in portfolios."""
    for market in sorted(account.positions):
        if terms_of(ctx, require_market(ctx, market).feed) is None:
            raise ChainError(MARGIN_MODE_TERMS, market=market)

"""Debts that only assets back: of accounts without lots, which liquidation has nothing to close of."""

from app.accounts.types import Account
from app.breakers.state import cooling
from app.collateral.state import assets_value, buy_asset, require_asset
from app.context import Context
from app.limits import LIQUIDATIONS_A_BLOCK
from app.liquidation.state import assets_doubt, is_open
from app.margin.health import candidates


def collect_debts(ctx: Context) -> None:
    """LIQ-024: buy the assets of accounts that owe more than they count for, by key, within the limit of a block.

    An account that nothing could be bought of does not count for the limit, so none can keep others from their turn.
    BRK-020: none in a cool-down.
    """
    if cooling(ctx):
        return
    done = 0
    for key in candidates(ctx):
        if done >= LIQUIDATIONS_A_BLOCK:
            return
        account = ctx.accounts.get(key)
        if account is not None and account.assets and owes_too_much(ctx, account):
            done += collect(ctx, key, account) > 0


def owes_too_much(ctx: Context, account: Account) -> bool:
    """LIQ-024: whether an account holds no lots, and its assets do not cover its debt, with the benefit of the doubt
    (LIQ-025).
    """
    if account.cash_quanta >= 0 or any(held.lots for held in account.positions.values()):
        return False
    return account.cash_quanta + assets_value(ctx, account) + assets_doubt(ctx, account) < 0


def collect(ctx: Context, key: bytes, account: Account) -> int:
    """LIQ-024: each asset to the fund of the market that prices it, or to the treasury. Returns what that raised."""
    owed = -account.cash_quanta
    raised = 0
    for number, _ in account.assets:
        market = require_asset(ctx, number).price_market
        if not market or is_open(ctx, market):
            raised += buy_asset(ctx, key, number, market, owed - raised)
    return raised

"""HLTH: whom a price could hurt. What it finds is a superset; the exact check decides."""

from app.context import Context
from app.margin.state import account_standing


def candidates(ctx: Context) -> list[bytes]:
    """HLTH-001: the keys, ascending, of accounts that may be short of maintenance margin at present marks.

    No account that is short is missing. Whoever acts on one checks it exactly first.
    """
    keys = {key for key, _ in ctx.accounts.scan()} | {key for key, _, _ in ctx.accounts.touched()}
    found = []
    for key in sorted(keys):
        account = ctx.accounts.get(key)
        if account is not None and account_standing(ctx, account).excess < 0:
            found.append(key)
    return found

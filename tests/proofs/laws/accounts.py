# ruff: noqa: E501 - a slip is quoted as the source has it
"""Laws of nonces: what was used stays used. In two's complement wide enough that every operation is exact."""

from typing import Any

from app.limits import MAX_NONCE, MAX_NONCE_JUMP, NONCE_WINDOW
from tests.proofs.prover import proof

BITS = 520  # the record's 256 bits shifted by up to 255 more, and a sign
BOUNDS = "0 <= highest < 2^63, any 256 bits of used, nonces in the window or up to 2^48 above; exact in 520 bits"


@proof("ACCT-001", "a nonce in the window is used after another if and only if it was, or is that other",
       "accounts.nonce_is_used", "accounts.use_nonce", bounds=BOUNDS, bits=BITS,
       slips={"accounts": [("return nonce, kept | 1", "return nonce, kept"), ("return nonce, kept | 1", "return nonce, 1"),
                           ("used | 1 << (highest - nonce)", "used"), ("used | 1 << (highest - nonce)", "1 << (highest - nonce)"),
                           ("if shift < 256 else 0", "if shift < 255 else 0"), ("used >> (highest - nonce) & 1", "used & 1"),
                           ("(1 << 256) - 1", "(1 << 255) - 1"), ("if nonce > highest:", "if nonce > highest + 1:")]})
def used_stays_used(case: Any, rules: Any) -> None:
    highest, used = case.whole("highest", 0, MAX_NONCE), case.whole("used", 0, (1 << 256) - 1)
    nonce, other = case.whole("nonce", 1, MAX_NONCE), case.whole("other", 1, MAX_NONCE)
    case.assume(nonce > highest - NONCE_WINDOW, nonce <= highest + MAX_NONCE_JUMP, other > highest - NONCE_WINDOW)
    highest_after, used_after = rules.accounts.use_nonce(highest, used, nonce)
    case.assume(other > highest_after - NONCE_WINDOW)
    before = rules.accounts.nonce_is_used(highest, used, other)
    after = rules.accounts.nonce_is_used(highest_after, used_after, other)
    case.claim(after == (True if other == nonce else before), "exactly that nonce was added")


@proof("ACCT-002", "the window only slides up, starts at a used nonce and keeps 256 bits", "accounts.use_nonce",
       bounds=BOUNDS, bits=BITS,
       slips={"accounts": [("(used << shift) & WINDOW_MASK", "(used << shift)"), ("return nonce, kept | 1", "return nonce, kept"),
                           ("return nonce, kept | 1", "return highest, kept | 1"),
                           ("return highest, used | 1 << (highest - nonce)", "return nonce, used | 1 << (highest - nonce)")]})
def the_window_slides_up(case: Any, rules: Any) -> None:
    highest, used = case.whole("highest", 0, MAX_NONCE), case.whole("used", 0, (1 << 256) - 1)
    nonce = case.whole("nonce", 1, MAX_NONCE)
    case.assume(nonce > highest - NONCE_WINDOW, nonce <= highest + MAX_NONCE_JUMP)
    highest_after, used_after = rules.accounts.use_nonce(highest, used, nonce)
    case.claim((highest_after >= highest) & (highest_after >= nonce), "never down: what fell out of it stays out")
    case.claim((highest_after == highest) | (highest_after == nonce), "no further than the nonce")
    case.claim((used_after >= 0) & (used_after <= (1 << 256) - 1), "256 bits")
    if nonce > highest:
        case.claim(used_after & 1 == 1, "the highest is marked")

"""The first state of a devchain: a preset in which prices may jump and time may leap without tripping a breaker."""

from typing import Any

from app.limits import MAX_FEED_NS, MAX_MOVE_PPM
from genesis.builder import AppState
from node.localnet.network import localnet_state


def dev_state(preset: str = "localnet", *, strict: bool = False) -> AppState:
    """The genesis of a preset for a devchain. `strict` leaves it as it is; otherwise feeds follow what is voted at
    once, nothing has to warm up, no leap of a price or of time halts a market, and options expire on whole days.

    Raises PresetError.
    """
    state = localnet_state(preset)
    if not strict:
        state["params"] |= {"gap_ns": 0}
        jumps = {"move_ppm": MAX_MOVE_PPM, "move_ppm_a_second": MAX_MOVE_PPM}
        for feed in state["feeds"]:
            feed |= jumps | {"max_age_ns": MAX_FEED_NS, "warm_up_ns": 0}
        for market in state["markets"]:
            market |= {"halt_move_ppm": 0}
        for options in state.get("options", ()):
            options |= {"surface_max_age_ns": MAX_FEED_NS, "short_s": 0, "shorts": 0}
    return state


def symbols(state: AppState) -> dict[int, tuple[str, int]]:
    """feed -> (symbol, decimals)."""
    feeds: list[dict[str, Any]] = state["feeds"]
    return {feed["feed"]: (feed["symbol"], feed["decimals"]) for feed in feeds}

"""How long-lived processes run Python: a collector that does not keep blocks and traders waiting."""

import gc

COLLECT_AFTER = (2_000, 10, 1_000)
"""Objects, and rounds of the collector: a hundred thousand new objects at once took it a quarter of a second."""


def tune_collector() -> None:
    """What is there now is never looked at again; what comes, often and shortly, and seldom as a whole."""
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)

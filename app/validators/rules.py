"""VAL rules: powers. Pure functions over integers."""


def is_quorum(power: int, total: int) -> bool:
    """VAL-002: whether `power` is strictly more than two thirds of `total`."""
    return 3 * power > 2 * total

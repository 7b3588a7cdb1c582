"""The keys of test networks: fixed, known to everybody, worth nothing.

Everyone can compute them from this file, so a chain that lets them hold anything must say that it is a test network.
They exist so that commands in the documentation run as written on any localnet.
"""

import hashlib

from client.keys import Key

SEED_PHRASE = b"novation/unsafe-dev-key/v1/"

TRADERS = ("alice", "bob", "carl", "dave")
FAUCET = "faucet"
AUTHORITY = "authority"
MAKERS = tuple(f"maker-{index}" for index in range(5))
TAKERS = tuple(f"taker-{index}" for index in range(4))
GAMBLERS = tuple(f"gambler-{index}" for index in range(12))
NAMES = (*TRADERS, FAUCET, AUTHORITY, *MAKERS, *TAKERS, *GAMBLERS)


def dev_key(name: str) -> Key:
    """The dev key `name`. Raises KeyError for a name that is not one of NAMES."""
    if name not in NAMES:
        raise KeyError(f"{name!r} is not a dev key; there are {', '.join(NAMES)}")
    return Key(hashlib.sha256(SEED_PHRASE + name.encode("ascii")).digest())

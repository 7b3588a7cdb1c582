"""Account keys and their wire form."""

from functools import lru_cache

from app.errors import TX_BAD_ACCOUNT, ChainError
from app.kernel.codec import account_key, split_account_key
from app.kernel.hashing import ADDRESS_SIZE
from novation.v1 import tx_pb2


@lru_cache(maxsize=100_000)
def id_message(key: bytes) -> tx_pb2.AccountId:
    """The wire form of an account key. The message is shared: it is copied into others, never changed."""
    owner, number = split_account_key(key)
    return tx_pb2.AccountId(owner=owner, number=number)


def key_of(account_id: tx_pb2.AccountId) -> bytes:
    """The key of a wire account id. TX_BAD_ACCOUNT unless the owner is an address."""
    if len(account_id.owner) != ADDRESS_SIZE:
        raise ChainError(TX_BAD_ACCOUNT, owner=account_id.owner[:64])
    return account_key(account_id.owner, account_id.number)

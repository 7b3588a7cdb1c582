"""Envelopes byte for byte, for whoever writes a client: body, sign bytes, envelope, hash and address.

`python -m tests.vectors.envelopes` writes tests/vectors/envelopes.json. One case for each kind of action, one for every
field of the body, one for the smallest and one for the largest numbers. The seeds of the keys are in the file.
"""

import hashlib
import json
from pathlib import Path

from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import ALICE, BOB, ORACLE, Person

FILE = Path(__file__).with_suffix(".json")
CHAIN_ID = "novation-vectors"
MOST = (1 << 63) - 1

CASES: tuple[tuple[str, Person, list[tx_pb2.Action], dict[str, object]], ...] = (
    ("place", ALICE, [builders.buy(46_000_000, 3)], {}),
    ("place, every field", ALICE, [builders.sell(46_000_500, 7, market=2, time_in_force=4, reduce_only=True,
                                                 client_id=99, stp=3)], {}),
    ("cancel by order id", BOB, [builders.cancel(order_id=1 << 40 | 5)], {}),
    ("cancel by client id", BOB, [builders.cancel(client_id=5)], {}),
    ("cancel all of every market", BOB, [builders.cancel_all()], {}),
    ("replace", BOB, [builders.replace(46_000_000, 2, client_id=5)], {}),
    ("transfer", ALICE, [builders.transfer(BOB, 1_000_000, number=3)], {}),
    ("withdraw", ALICE, [builders.withdraw(1_000_000, b"bank account")], {}),
    ("faucet", ALICE, [builders.faucet(ALICE, 1_000_000)], {}),
    ("trigger, every field", ALICE, [builders.trigger(
        builders.BELOW, 45_000_000, builders.SELL, 44_000_000, 5, market=2, source=builders.LAST, reduce_only=True,
        client_id=9, trail=500_000, oco_id=3, expires=1_700_000_000_000_000_000)], {}),
    ("place, every term", ALICE, [
        builders.sell(46_000_500, 7, time_in_force=4, expires=1_700_000_000_000_000_000, display=2, oco_id=3),
        builders.buy(0, 1, time_in_force=4, peg=builders.PEG_MID, offset=-2)], {}),
    ("dead man", ALICE, [builders.dead_man(1_700_000_000_000_000_000)], {}),
    ("protection", ALICE, [builders.protect(10, 1_000, 2_000, market=2)], {}),
    ("cancel trigger", ALICE, [builders.cancel_trigger(1 << 40 | 6), builders.cancel_trigger(client_id=9),
                               builders.cancel_trigger(every=True)], {}),
    ("isolate", ALICE, [builders.isolate(7, 4, 20_000_000), builders.isolate(0)], {}),
    ("an asset in and out", ALICE, [builders.faucet(BOB, 7, asset=1), builders.transfer(BOB, 5, asset=2),
                                    builders.withdraw(3, asset=3)], {}),
    ("combo, every field", ALICE, [builders.combo(
        builders.leg(1, builders.BUY, 46_000_500, 7), builders.leg(2, builders.SELL, 24_000_000, 3, reduce_only=True),
        net=-250_000_000, client_id=9, stp=2)], {}),
    ("block trade", ALICE, [builders.block(BOB, builders.block_terms(
        ALICE, BOB, builders.block_leg(1, builders.SELL, 46_000_001, 700), builders.block_leg(2, builders.BUY, 5, 6),
        nonce=12, number=3, expires=1_700_000_000_000_000_000), CHAIN_ID)], {}),
    ("margin mode", ALICE, [builders.margin_mode(2)], {}),
    ("agent", ALICE, [builders.set_agent(BOB.public_key, 1_700_000_000_000_000_000)], {}),
    ("referrer", ALICE, [builders.set_referrer(BOB)], {}),
    ("bid, every field", BOB, [builders.bid(ALICE, 250_000, least_discount_ppm=100_000, expected_bids=2, number=1)],
     {}),
    ("validator", ORACLE, [builders.set_validator(ALICE.public_key, 5)], {}),
    ("market status", ORACLE, [builders.set_status(2)], {}),
    ("several actions, every field of the body", ALICE, [builders.cancel_all(1), builders.buy(500, 1)],
     {"number": 7, "expiry_height": 1000, "expiry_time_ns": 1_700_000_000_000_000_000, "all_or_nothing": True}),
    ("large numbers", ALICE, [builders.buy(1 << 50, 1 << 40, client_id=(1 << 64) - 1)],
     {"number": (1 << 32) - 1, "nonce": MOST, "gas_limit": MOST, "fee_limit_quanta": MOST}),
)


def vector(name: str, person: Person, actions: list[tx_pb2.Action], fields: dict[str, object]) -> dict[str, str]:
    """One line of the file."""
    settings: dict[str, object] = {"nonce": 1, "gas_limit": 500_000, "fee_limit_quanta": 500, **fields}
    body = builders.body(person, actions, **settings).SerializeToString(deterministic=True)  # type: ignore[arg-type]
    envelope = builders.sign(person, body, CHAIN_ID)
    return {"name": name, "seed": bytes(person.key).hex(), "public_key": person.public_key.hex(),
            "owner": person.owner.hex(), "chain_id": CHAIN_ID, "body": body.hex(),
            "sign_bytes": builders.sign_bytes(body, CHAIN_ID).hex(), "envelope": envelope.hex(),
            "hash": hashlib.sha256(envelope).hexdigest()}


def main() -> None:
    FILE.write_text(json.dumps([vector(*case) for case in CASES], indent=1) + "\n")


if __name__ == "__main__":
    main()

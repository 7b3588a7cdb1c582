"""The oracle's cost a block on one node, by validators x feeds: processor time to extend its own vote, to verify the
extensions of all others, to make the record as a proposer or check it as everybody else does, and to take the prices.
`signatures` is what checking each once costs by itself. The record beside the sum of the extensions, in bytes. Votes
lie within a tenth of a percent of one another.
"""

import json
import time
from random import Random

from app.block import Block
from app.kernel.signatures import verify
from app.oracle.hooks import take_prices
from app.oracle.votes import encode_extension, sign_bytes
from tests.helpers import builders
from tests.helpers.builders import BTC
from tests.helpers.driver import Driver
from tests.helpers.votes import Voters, prices

SIZES = ((4, 10), (25, 100), (50, 100), (100, 50), (100, 100))
MOST_BYTES = 4_000_000


def chain_of(validators: int, feeds: int) -> Driver:
    """A chain after its first block: so many feeds, each with a market."""
    document = json.loads(builders.genesis())
    document["feeds"] = [builders.feed_entry(feed, f"F{feed}/USD", 40_000_000 + feed) for feed in range(1, feeds + 1)]
    document["markets"] = [{**builders.market_entry(BTC, f"M{feed}"), "market": feed, "feed": feed}
                           for feed in range(1, feeds + 1)]
    voters = Voters([f"validator {place}" for place in range(validators)], [10] * validators)
    driver = Driver(json.dumps(document).encode(), voters=voters)
    driver.run([])
    return driver


def block(driver: Driver, random: Random) -> dict[str, float]:
    """Seconds of one block's steps on the node that proposes it."""
    chain, voters, height = driver.chain, driver.voters, driver.height
    votes = [prices({feed: price * random.randint(999_000, 1_001_000) // 10**6
                     for feed, price in driver.prices.items()}) for _ in voters.order]
    commit = [voters.sign(place, vote, height) for place, vote in enumerate(votes)]
    cast = voters.told_commit(commit)
    clock, took = time.process_time, {}
    started = clock()
    assert chain.extension(votes[0])
    took["extend"] = clock() - started
    started = clock()
    assert all(chain.accepts_extension(one.extension) for one in cast[1:])
    took["verify_others"] = clock() - started
    started = clock()
    txs = chain.prepare((), MOST_BYTES, cast)
    took["prepare"] = clock() - started
    started = clock()
    assert chain.process(txs, 0) == ""
    took["process"] = clock() - started
    messages = [sign_bytes(voters.chain_id, height, 0, one.extension) for one in cast]
    started = clock()
    assert all(verify(voter.public_key, message, one.signature)
               for voter, message, one in zip(voters.order, messages, cast, strict=True))
    took["signatures"] = clock() - started
    chain.checked = (b"", 0, None, "")
    started = clock()
    assert chain.process(txs, 0) == ""
    took["process_of_others"] = clock() - started
    chain.ctx.votes = chain.checked[2]
    chain.ctx.journal.savepoint()
    chain.ctx.height, chain.ctx.time_ns = height + 1, driver.time_ns + 10**9
    started = clock()
    take_prices(chain.ctx)
    took["take_prices"] = clock() - started
    started = clock()
    chain._stage()
    took["records_and_trees"] = clock() - started
    chain._drop_working()
    result = chain.finalize(Block(height + 1, driver.time_ns + 10**9, txs))
    driver.reader.write(chain.commit())
    chain.committed()
    driver.height, driver.time_ns = height + 1, driver.time_ns + 10**9
    assert result.record is not None and result.record.code == 0
    took["ratio"] = len(txs[0]) / sum(len(encode_extension(vote)) for vote in votes)
    return took


def row(validators: int, feeds: int, rounds: int) -> dict[str, float]:
    """Milliseconds, the least of the rounds."""
    driver, random = chain_of(validators, feeds), Random(1)
    rounds_took = [block(driver, random) for _ in range(rounds)]
    best = {step: min(one[step] for one in rounds_took) for step in rounds_took[0]}
    ratio, alone = best.pop("ratio"), best.pop("signatures")
    of_others = best.pop("process_of_others")
    proposer = sum(best.values())
    others = proposer - best["prepare"] - best["process"] + of_others
    return {
        "validators": validators, "feeds": feeds,
        **{step: round(1e3 * seconds, 2) for step, seconds in best.items()},
        "process_of_others": round(1e3 * of_others, 2),
        "proposer": round(1e3 * proposer, 2), "others": round(1e3 * others, 2),
        "signatures_alone": round(1e3 * alone, 2), "record_over_extensions": round(ratio, 3),
    }


def run(quick: bool) -> dict[str, object]:
    """The section `oracle`."""
    rounds = 3 if quick else 10
    return {"how": " ".join((__doc__ or "").split()),
            "milliseconds": [row(validators, feeds, rounds) for validators, feeds in SIZES]}

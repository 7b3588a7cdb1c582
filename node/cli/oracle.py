"""`novation query oracle`: what feeds are worth, how far that can be trusted, and who voted what."""

from decimal import Decimal
from typing import Any

import click

from client.client import NovationClient
from client.oracle import Feed, FeedVotes, Oracle, Reporter, Surface, Turnout, VotedPrice, Voter, Votes
from node.cli.chain import ask
from node.cli.risk import query
from node.cli.session import EXIT_USAGE, Session, command, fail, simple_table
from node.cli.views import facts_table, plain, rows_table, shade, when

SECOND_NS = 1_000_000_000
YEAR_S = 365 * 86_400
ADDRESS_CHARACTERS = 12  # enough to tell validators apart
COLOURS = {"fresh": "green", "thin": "yellow", "warming": "yellow", "jumping": "red", "stale": "red", "absent": "red",
           "prices": "green", "silent": "yellow"}  # and a validator that is absent


@command(query)
@click.argument("symbol", default="")
@click.option("--votes", "by_validator", is_flag=True, help="A line for each validator.")
def oracle(session: Session, symbol: str, by_validator: bool) -> None:
    """All feeds: price, age, validity, the votes of the last block, what is barred. Or the one called SYMBOL (BTC/USD,
    or a market that uses it), with what each validator voted.
    """

    async def work(client: NovationClient) -> tuple[Oracle, Votes | None, list[Surface]]:
        found = await client.oracle()
        votes = await client.votes(found.height) if found.turnout else None
        return found, votes, await client.surfaces()

    found, votes, surfaces = ask(session, work)
    feeds = [feed for feed in found.feeds if symbol in ("", feed.symbol, *(one.symbol for one in feed.markets))]
    if not feeds:
        fail(f"no feed {symbol!r}: there are {', '.join(feed.symbol for feed in found.feeds) or 'none'}", EXIT_USAGE)
    names = {feed.symbol for feed in feeds}
    data = {
        "height": found.height, "time": when(found.time_ns), "turnout": turnout_data(found.turnout),
        "feeds": [feed_data(feed, found) for feed in feeds],
        "voters": [voter_data(one, votes.turnout.total_power, names)
                   for one in votes.voters] if votes and votes.turnout else [],
        "surfaces": [surface_data(one, found.time_ns) for one in surfaces if one.symbol in names],
    }

    def text() -> list[Any]:
        shown: list[Any] = [turnout_text(found)]
        if symbol:
            shown += [facts_table(data["feeds"][0]["symbol"], feed_facts(data["feeds"][0])),
                      voters_of_feed(data["voters"], data["feeds"][0]["symbol"])]
            shown += [rows_table(pillar_rows(one), "") for one in data["surfaces"]]
        else:
            shown += feeds_table(data["feeds"], found.turnout.validators if found.turnout else 0)
            shown += [voters_table(data["voters"])] if by_validator else []
        return shown

    session.emit(data, text)


@command(query)
def validators(session: Session) -> None:
    """The validators in force: power, and how they took part in the votes on prices."""

    async def work(client: NovationClient) -> list[Reporter]:
        return await client.reporters()

    rows = [{"address": one.address.hex().upper(), "power": one.power, "share": share(one.share), "blocks": one.blocks,
             "votes": one.votes, "participation": share(Decimal(one.votes) / one.blocks) if one.blocks else None,
             "prices": one.prices, "deviations": one.deviations, "public_key": one.public_key.hex()}
            for one in ask(session, work)]
    listed = [{"address": row["address"], "power": row["power"], "share": row["share"],
               "voted": row["participation"] or "-", "deviating": row["deviations"]} for row in rows]
    session.emit(rows, lambda: rows_table(listed, "no validators: this chain takes no prices"))


def share(part: Decimal) -> str:
    """A share of 1 as a percentage."""
    return f"{plain((100 * part).quantize(Decimal('0.0001')))}%"


def turnout_data(turnout: Turnout | None) -> dict[str, Any] | None:
    """Who voted in a block."""
    return turnout and {
        "validators": turnout.validators, "voters": turnout.voters, "total_power": turnout.total_power,
        "voted_power": turnout.voted_power, "quorum_power": turnout.quorum_power, "voted": share(turnout.share),
        "refused": turnout.refused or None}


def turnout_text(found: Oracle) -> str:
    """The line above everything."""
    turnout = found.turnout
    if turnout is None:
        return f"height {found.height}: the votes of this block are not known here"
    if turnout.refused:
        return f"height {found.height}: the votes were refused ({turnout.refused}) and brought no prices"
    return (f"height {found.height}: votes of {turnout.voters} of {turnout.validators} validators, "
            f"{share(turnout.share)} of the power; a price needs more than two thirds")


def feed_data(feed: Feed, found: Oracle) -> dict[str, Any]:
    """All there is to know of a feed."""
    warming = feed.validity == "warming"
    return {
        "symbol": feed.symbol, "price": plain(feed.price), "median": plain(feed.median),
        "age_seconds": plain(feed.age_seconds), "validity": feed.validity,
        "warm_at": when(feed.warm_at_ns) if warming else None,
        "max_age_seconds": plain(feed.max_age_seconds), "most_move": share(feed.most_move), "bars": list(feed.bars),
        "markets": [{"market": one.symbol, "bars": list(one.bars)} for one in feed.markets],
        "votes": feed.votes and feed_votes_data(feed.votes, found.turnout),
    }


def feed_votes_data(votes: FeedVotes, turnout: Turnout | None) -> dict[str, Any]:
    """The votes on a feed in the last block."""
    total = turnout.total_power if turnout else 0
    return {"votes": votes.votes, "power": votes.power, "share": share(Decimal(votes.power) / total) if total else None,
            "counted": votes.counted, "deviating": votes.deviating, "lowest": plain(votes.lowest),
            "highest": plain(votes.highest), "spread": None if votes.spread is None else share(votes.spread)}


def voter_data(one: Voter, total_power: int, symbols: set[str]) -> dict[str, Any]:
    """A validator and its prices of these feeds."""
    return {"address": one.address.hex().upper(), "power": one.power, "share": share(Decimal(one.power) / total_power),
            "vote": one.kind, "pillars": one.pillars,
            "prices": [voted_data(price) for price in one.prices if price.symbol in symbols]}


def voted_data(one: VotedPrice) -> dict[str, Any]:
    """One price of a vote; a deviation is None where no quorum voted."""
    return {"symbol": one.symbol, "price": plain(one.price), "deviates": one.deviates,
            "deviation_ppm": None if one.deviation is None else int(one.deviation * 1_000_000)}


def surface_data(surface: Surface, now_ns: int) -> dict[str, Any]:
    """Voted volatility; the middle one of the variances is at the money."""
    rows = []
    for one in surface.pillars:
        left_s, middle = one.expiry_s - now_ns // SECOND_NS, one.variances[len(one.variances) // 2]
        rows.append({"expiry": when(one.expiry_s * SECOND_NS), "voted": when(one.voted_ns),
                     "forward_over_price": plain(one.forward), "total_variances": [plain(v) for v in one.variances],
                     "at_the_money": share((middle * YEAR_S / left_s).sqrt()) if left_s > 0 else None})
    return {"symbol": surface.symbol, "pillars": rows}


def deviation_text(price: dict[str, Any]) -> str:
    """How far a vote lies from the median."""
    if price["deviation_ppm"] is None:
        return "not counted"
    return shade("red" if price["deviates"] else "", f"{price['deviation_ppm']:+d} ppm")


def feeds_table(feeds: list[dict[str, Any]], validators: int) -> list[Any]:
    """One line a feed, and below them one for each feed or market with something that is barred."""
    if not feeds:
        return ["no feeds"]
    table = simple_table("feed", "price", "median", "age", "validity", "votes", "power", "spread")
    for feed in feeds:
        votes = feed["votes"] or {}
        cast = f"{votes['votes']}/{validators}" if votes else "-"
        if votes.get("deviating"):
            cast += shade("red", f" {votes['deviating']} far")
        table.add_row(feed["symbol"], feed["price"], feed["median"], f"{feed['age_seconds']} s",
                      shade(COLOURS[feed["validity"]], feed["validity"]), cast, votes.get("share") or "-",
                      votes.get("spread") or "-")
    return [table, *(f"{where} bars: {', '.join(bars)}" for feed in feeds for where, bars in barred(feed))]


def barred(feed: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What a feed bars, and what is barred in one market alone, after it stood still; nothing where nothing is."""
    markets = [(one["market"], one["bars"]) for one in feed["markets"] if one["bars"] != feed["bars"]]
    return [(where, bars) for where, bars in ((feed["symbol"], feed["bars"]), *markets) if bars]


def feed_facts(feed: dict[str, Any]) -> dict[str, Any]:
    """A feed's data for people."""
    return feed | {"validity": shade(COLOURS[feed["validity"]], feed["validity"]),
                   "bars": [f"{where}: {', '.join(bars)}" for where, bars in barred(feed)],
                   "markets": [one["market"] for one in feed["markets"]]}


def voter_row(one: dict[str, Any]) -> dict[str, str]:
    """What is the same in all tables of validators."""
    return {"validator": one["address"][:ADDRESS_CHARACTERS], "power": one["share"],
            "vote": shade(COLOURS[one["vote"]], one["vote"])}


def voters_of_feed(voters: list[dict[str, Any]], symbol: str) -> Any:
    """One line a validator: its price of this feed, and how far it lies from the median."""
    rows = []
    for one in voters:
        price = next((price for price in one["prices"] if price["symbol"] == symbol), None)
        rows.append(voter_row(one) | {"price": price["price"] if price else "-",
                                      "from median": deviation_text(price) if price else "-"})
    return rows_table(rows, "no votes")


def voters_table(voters: list[dict[str, Any]]) -> Any:
    """One line a validator: on how many feeds it voted, and where it was farthest from the median."""
    if not voters:
        return "no votes"
    table = simple_table("validator", "power", "vote", "prices", "deviating", "farthest from median")
    for one in voters:
        counted = [price for price in one["prices"] if price["deviation_ppm"] is not None]
        farthest = max(counted, key=lambda price: abs(price["deviation_ppm"]), default=None)
        table.add_row(*voter_row(one).values(), str(len(one["prices"])), str(sum(p["deviates"] for p in counted)),
                      f"{farthest['symbol']} {deviation_text(farthest)}" if farthest else "-")
    return table


def pillar_rows(surface: dict[str, Any]) -> list[dict[str, Any]]:
    """Voted volatility for people."""
    return [{"expiry": one["expiry"], "forward": one["forward_over_price"], "at the money": one["at_the_money"] or "-",
             "voted": one["voted"]}
            for one in surface["pillars"]]

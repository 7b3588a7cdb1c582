"""How a local network looks: a table for a terminal, a line for a log, a summary to read once."""

import math
import shutil
import sys
from decimal import Decimal
from pathlib import Path

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from client.units import usd
from node.keys.dev import TRADERS
from node.localnet.network import dev_owner
from node.localnet.plan import DEFAULT_DIRECTORY, MarketPlan, Plan
from node.localnet.watch import NetworkView


def network_table(plan: Plan, view: NetworkView) -> Group:
    """The live table: a row a node, then what trades."""
    title = f"{plan.chain_id}   height {view.counted_height}"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=title, title_justify="left")
    for name in ("node", "state", "height", "app hash", "block ms", "mempool", "gRPC"):
        table.add_column(name, justify="right" if name in ("height", "block ms", "mempool") else "left")
    for node, node_plan in zip(view.nodes, plan.nodes, strict=True):
        state = Text("up", style="green") if node.up else Text("down", style="red")
        table.add_row(node.name, state, str(node.height), node.app_hash[:16], f"{node.block_ms:.0f}", str(node.mempool),
                      node_plan.gateway)
    return Group(table, Text(prices_line(plan, view)), Text(totals_line(view)), Text(risk_line(view)),
                 Text(options_line(view)), agreement(view))


def marks(plan: Plan, view: NetworkView) -> dict[str, str]:
    """The mark of each market that had one in the blocks seen, as people write it: USD for one base."""
    prices = {one.symbol: usd(view.totals.marks[one.market]) / Decimal(one.lot_size)
              for one in plan.markets if one.market in view.totals.marks}
    return {symbol: f"{price.normalize():f}" for symbol, price in prices.items()}


def prices_line(plan: Plan, view: NetworkView) -> str:
    """Marks, how often they moved, and whose feeders are not honest."""
    prices = "   ".join(f"{symbol} {price}" for symbol, price in marks(plan, view).items()) or "no prices yet"
    others = [f"{node.name}: {node.behaviour}" for node in plan.nodes if node.behaviour != "honest"]
    return f"{prices}   (moved {view.totals.price_changes} times)" + "".join(f"   {other}" for other in others)


def totals_line(view: NetworkView) -> str:
    orders_rate, fills_rate = view.rates()
    totals = view.totals
    return (f"orders {totals.orders} ({orders_rate:.0f}/s)   fills {totals.fills} ({fills_rate:.0f}/s)   "
            f"envelopes {totals.envelopes}   failed actions {totals.failed}")


def risk_line(view: NetworkView) -> str:
    """Triggers and the steps of liquidation, in their order, with what funds and winners paid."""
    totals = view.totals
    return (f"triggers {totals.triggers}   liquidations {totals.closings}   auctions {totals.auctions} "
            f"(bids {totals.bids})   reductions {totals.reductions} (holders {totals.reduced_holders})   "
            f"funds paid ${usd(totals.fund_paid_quanta):,.2f}   winners gave up ${usd(totals.given_up_quanta):,.2f}")


def options_line(view: NetworkView) -> str:
    """Series that are listed now, what they traded, expiries that were settled by rule."""
    totals = view.totals
    return (f"options {totals.series - totals.series_gone} of {totals.series} series   fills {totals.option_fills}   "
            f"expiries settled {totals.expiries}")


def agreement(view: NetworkView) -> Text:
    if view.disagreement:
        return Text(f"APP HASHES DIFFER: {view.disagreement}", style="bold red")
    if not view.agreed_height:
        return Text("no block seen on all nodes yet")
    return Text(f"all {len(view.nodes)} app hashes equal up to height {view.agreed_height}", style="green")


def network_line(plan: Plan, view: NetworkView) -> str:
    """One line for a log."""
    heights = " ".join(f"{node.name}={node.height if node.up else 'down'}" for node in view.nodes)
    orders_rate, fills_rate = view.rates()
    block_ms = max((node.block_ms for node in view.nodes), default=0.0)
    agreed = f"DIFFER ({view.disagreement})" if view.disagreement else f"equal to {view.agreed_height}"
    return (f"{heights} block={block_ms:.0f}ms orders={view.totals.orders} ({orders_rate:.0f}/s) "
            f"fills={view.totals.fills} ({fills_rate:.0f}/s) liquidations={view.totals.closings} "
            f"auctions={view.totals.auctions} reductions={view.totals.reductions} "
            f"options={view.totals.option_fills} expiries={view.totals.expiries} "
            + "".join(f"{symbol}={price} " for symbol, price in marks(plan, view).items()) + f"app hashes {agreed}")


def introduction(plan: Plan) -> str:
    """What a newcomer needs to try the network by hand."""
    lines = [
        f"localnet {plan.chain_id} is ready: {len(plan.nodes)} validators, files in {plan.directory}",
        f"  page   http://{plan.nodes[0].web}/ (trading, explorer, risk; every node has one)",
        f"  gRPC   {', '.join(one.gateway for one in plan.nodes)}",
        f"  RPC    {', '.join(one.rpc for one in plan.nodes)} (CometBFT)",
        "  keys   " + "  ".join(f"{name} {dev_owner(name)}" for name in TRADERS[:2]),
        "         " + "  ".join(f"{name} {dev_owner(name)}" for name in TRADERS[2:]),
        *(_trying(plan, plan.markets[0]) if plan.markets else ()),
        f"  stop   Ctrl-C here, or {program()} localnet down{directory_option(plan)}",
    ]
    return "\n".join(lines)


def _trying(plan: Plan, market: MarketPlan) -> list[str]:
    """Commands to begin with; the order is filled, and lies within the price bands."""
    price = math.ceil(Decimal(market.first_price) * Decimal("1.02"))
    return [
        f"  try    {program()} query book {market.symbol}{node_option(plan)}",
        f"         {program()} tx order buy 0.01 {market.symbol} --price {price} --key alice{node_option(plan)}",
        f"         {program()} query account alice{node_option(plan)}",
    ]


def program() -> str:
    """How to call this program from here: by name when it is on the path, else by the path of this environment."""
    own = Path(sys.executable).parent / "novation"
    if shutil.which("novation") or not own.exists():
        return "novation"
    try:
        return str(own.relative_to(Path.cwd()))
    except ValueError:
        return str(own)


def is_default(plan: Plan) -> bool:
    """Whether commands find this network without being told, because they run in its folder."""
    return Path(plan.directory) == Path(DEFAULT_DIRECTORY).absolute()


def node_option(plan: Plan) -> str:
    return "" if is_default(plan) else f" --node {plan.nodes[0].gateway}"


def directory_option(plan: Plan) -> str:
    return "" if is_default(plan) else f" --dir {plan.directory}"


def summary(plan: Plan, view: NetworkView) -> dict[str, object]:
    """The state of the network as plain data, for `--output json`."""
    orders_rate, fills_rate = view.rates()
    return {
        "chain_id": plan.chain_id,
        "directory": plan.directory,
        "height": view.counted_height,
        "agreed_height": view.agreed_height,
        "disagreement": view.disagreement,
        "orders": view.totals.orders,
        "fills": view.totals.fills,
        "failed_actions": view.totals.failed,
        "orders_per_second": round(orders_rate, 1),
        "fills_per_second": round(fills_rate, 1),
        "triggers_fired": view.totals.triggers,
        "liquidations": view.totals.closings,
        "auctions": view.totals.auctions,
        "auction_bids": view.totals.bids,
        "reductions": view.totals.reductions,
        "reduced_holders": view.totals.reduced_holders,
        "funds_paid_usd": f"{usd(view.totals.fund_paid_quanta):f}",
        "given_up_usd": f"{usd(view.totals.given_up_quanta):f}",
        "market_changes": view.totals.market_changes,
        "breakers_tripped": view.totals.breakers,
        "option_fills": view.totals.option_fills,
        "series_listed": view.totals.series,
        "series_removed": view.totals.series_gone,
        "expiries_fixed": view.totals.expiries,
        "prices": marks(plan, view),
        "price_changes": view.totals.price_changes,
        "nodes": [
            {
                "name": node.name,
                "up": node.up,
                "height": node.height,
                "app_hash": node.app_hash,
                "block_ms": round(node.block_ms, 1),
                "feeder": node_plan.behaviour,
                "mempool_envelopes": node.mempool,
                "grpc": node_plan.gateway,
                "web": f"http://{node_plan.web}/",
                "rpc": node_plan.rpc,
            }
            for node, node_plan in zip(view.nodes, plan.nodes, strict=True)
        ],
    }

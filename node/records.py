"""What the records of each table are, for whoever reads or proves them."""

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from novation.v1 import state_pb2

RECORDS: dict[str, type[Message]] = {
    "params": state_pb2.Params, "accounts": state_pb2.Account, "vault": state_pb2.Vault, "funds": state_pb2.Fund,
    "markets": state_pb2.Market, "totals": state_pb2.MarketTotals, "marks": state_pb2.MarkPrice,
    "books": state_pb2.BookState, "orders": state_pb2.OpenOrders, "funding": state_pb2.Funding,
    "traders": state_pb2.Trader, "fee_terms": state_pb2.FeeTerms,
    "settlements": state_pb2.Settlement, "assets": state_pb2.Asset, "triggers": state_pb2.Triggers,
    "clock": state_pb2.Clock, "backlog": state_pb2.Backlog, "protections": state_pb2.Protection,
    "switches": state_pb2.Switch,
    "auctions": state_pb2.Auction, "losses": state_pb2.Losses, "breakers": state_pb2.Breakers, "flows": state_pb2.Flow,
    "validators": state_pb2.ValidatorSets, "feeds": state_pb2.Feed, "surfaces": state_pb2.Surface,
    "reporters": state_pb2.Reporters, "sweeps": state_pb2.Sweep, "option_classes": state_pb2.OptionClass,
    "fixings": state_pb2.Settlement, "listing": state_pb2.Listing,
    "agents": state_pb2.Agents, "portfolios": state_pb2.PortfolioTerms, "anchors": state_pb2.Anchor,
}


def as_data(message: Message) -> Any:
    """A message as plain data: proto field names, 64-bit integers as texts, bytes in base64."""
    return MessageToDict(message, preserving_proto_field_name=True)

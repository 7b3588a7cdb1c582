"""The trader's SDK: async, importable without the node. Start at `client.py`; `examples/` has programs that run.

    from client import Key, NovationClient
"""

from client.client import NovationClient, SendOptions
from client.errors import NovationError
from client.keys import Key
from client.legs import Leg
from client.results import MarketInfo, PlacedOrder, Sent
from client.streams import Gap, LocalBook
from client.units import Units

__all__ = ["NovationClient", "SendOptions", "Key", "NovationError", "Leg", "MarketInfo", "PlacedOrder", "Sent", "Gap",
           "LocalBook", "Units"]

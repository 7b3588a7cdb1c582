"""Messages as JSON."""

from node.web.plain import compact, plain
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import events_pb2, state_pb2, tx_pb2


def test_each_kind_of_field() -> None:
    order = state_pb2.Order(order_id=2**53 + 1, side=tx_pb2.SIDE_SELL, reduce_only=True, peg_offset_ticks=-3)
    found = plain(order)
    assert found["order_id"] == "9007199254740993" and found["peg_offset_ticks"] == "-3"
    assert found["side"] == "sell" and found["reduce_only"] is True and found["peg_reference"] == "unspecified"
    assert plain(tx_pb2.AccountId(owner=b"\x00\xff", number=7)) == {"owner": "00ff", "number": 7}


def test_what_is_unset_is_left_out_and_lists_stay() -> None:
    summary = plain(chain_service.TxSummary(events=[events_pb2.Event(deposited=events_pb2.Deposited(amount_quanta=5))]))
    assert "account" not in summary and summary["nonce"] == "0"
    assert summary["events"] == [{"deposited": {"amount_quanta": "5", "asset": 0}}]


def test_an_unknown_word_is_its_number() -> None:
    assert plain(events_pb2.AuctionEnded(why=99))["why"] == 99  # type: ignore[arg-type]
    assert compact({"a": [1, "b"]}) == b'{"a":[1,"b"]}'

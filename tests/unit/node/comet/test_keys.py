"""CometBFT's key files, checked against a key that CometBFT itself wrote."""

import base64
import json
import stat
from pathlib import Path

import pytest

from node.comet.keys import CometKey, read_key, write_node_key, write_validator_key, write_validator_state

# From `cometbft init`: the private key's 64 bytes, and what it derived from them.
SECRET = "/ytDUwF/7NH8drrs8TzGflQi8b+zDLs10/WRq3m29oRi0xnvfZkneL1+Ph8O6eju1UIj6sGutHq4u1LFT7Y5Kg=="
PUBLIC = "YtMZ732ZJ3i9fj4fDuno7tVCI+rBrrR6uLtSxU+2OSo="
ADDRESS = "9A76CF71A8CEF5FDCAE768C8B61E4BEDFB51B145"


def test_a_key_is_written_as_cometbft_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "priv_validator_key.json"
    write_validator_key(path, CometKey(base64.b64decode(SECRET)[:32]))
    assert json.loads(path.read_text()) == {
        "address": ADDRESS,
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": PUBLIC},
        "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": SECRET},
    }


def test_only_the_owner_may_read_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "node_key.json"
    write_node_key(path, CometKey.random())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_come_back_from_their_files(tmp_path: Path) -> None:
    key = CometKey.random()
    write_node_key(tmp_path / "a", key)
    write_validator_key(tmp_path / "b", key)
    assert read_key(tmp_path / "a") == read_key(tmp_path / "b") == key


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"priv_key": {"type": "x", "value": "AAAA"}}', '{"priv_key": 3}'])
def test_what_is_no_key_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"bad\.json"):
        read_key(path)


def test_the_guard_against_signing_twice_is_never_reset(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"height": "12", "round": 0, "step": 3}')
    write_validator_state(path)
    assert json.loads(path.read_text())["height"] == "12"

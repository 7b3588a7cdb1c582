"""Where a node keeps its things: one place that knows every path under `--home`."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A Unix socket's path must fit into sockaddr_un (108 bytes with the closing zero on Linux, 104 on macOS).
SOCKET_PATH_BYTES_MAX = 100


@dataclass(frozen=True, slots=True)
class Home:
    """The home folder of one node. CometBFT owns `data/` and shares `config/`; the rest is ours."""

    root: Path

    @staticmethod
    def at(path: str | Path) -> "Home":
        """The home at `path`, made absolute so that children started elsewhere find it too."""
        return Home(Path(path).expanduser().absolute())

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def engine(self) -> Path:
        """LevelDB of the engine."""
        return self.root / "engine"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What lives as long as the node runs: sockets and process ids."""
        return self.root / "run"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def settings_file(self) -> Path:
        return self.config / "novation.toml"

    @property
    def comet_config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def genesis_file(self) -> Path:
        return self.config / "genesis.json"

    @property
    def node_key_file(self) -> Path:
        return self.config / "node_key.json"

    @property
    def validator_key_file(self) -> Path:
        return self.config / "priv_validator_key.json"

    @property
    def validator_state_file(self) -> Path:
        return self.data / "priv_validator_state.json"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets: `run/`, or a private temporary folder when that path is too long."""
        if len(os.fsencode(self.run / "abci.sock")) <= SOCKET_PATH_BYTES_MAX:
            return self.run
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"novation-{os.getuid()}-{digest}"

    @property
    def abci_socket(self) -> Path:
        return self.sockets / "abci.sock"

    @property
    def link_socket(self) -> Path:
        return self.sockets / "link.sock"

    @property
    def prices_socket(self) -> Path:
        """Where the price feeder hands its observations to the engine."""
        return self.sockets / "prices.sock"

    def log_file(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def pid_file(self, process: str) -> Path:
        return self.run / f"{process}.pid"

    def exists(self) -> bool:
        """Whether `novation init` (or the localnet) made this home."""
        return self.comet_config_file.exists() and self.genesis_file.exists()

    def create(self) -> None:
        """Make the folders, readable by their owner only where secrets or sockets lie.

        Raises PermissionError when the folder for the sockets belongs to somebody else.
        """
        for folder in (self.config, self.data, self.engine, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.run, self.keys, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.sockets.stat()
        if status.st_uid != os.getuid() or (stat.S_IMODE(status.st_mode) & 0o077 and self.sockets != self.run):
            raise PermissionError(f"{self.sockets} is open to others; remove it, or choose a shorter --home")


def default_home() -> Path:
    """`NOVATION_HOME`, else `~/.novation`."""
    return Path(os.environ.get("NOVATION_HOME") or Path.home() / ".novation")

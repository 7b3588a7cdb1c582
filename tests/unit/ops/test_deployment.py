"""Units, image and compose file fit the program: what they name exists, and they keep its rules. Nothing runs here."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from compose_spec import PyCompose

from node.cli.main import cli
from node.comet.version import COMETBFT_VERSION
from tests.helpers.ops import OPS

PROJECT = OPS.parent


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((OPS / "systemd" / name).read_text())
    return parser


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) of the Dockerfile, lines joined."""
    text = (OPS / "docker" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def known(words: list[str]) -> bool:
    """Whether `novation WORDS` is a command with these options."""
    command: click.Command | None = cli.get_command(click.Context(cli), words[0])
    assert command is not None, words
    options = {name for parameter in command.params for name in parameter.opts}
    return all(word in options for word in words if word.startswith("--"))


def test_the_unit_restarts_always_and_runs_commands_that_exist() -> None:
    """CometBFT ends with status 0 when its application ends, so `on-failure` would leave the node down."""
    service = unit("novation.service")["Service"]
    assert service["Restart"] == "always"
    assert service["KillMode"] == "mixed"
    assert service["User"] == "novation"
    for line in (service["ExecStartPre"], service["ExecStart"]):
        program, *words = shlex.split(line)
        assert program.endswith("/novation")
        assert known(words)
    assert int(service["LimitNOFILE"]) >= 4096
    home = shlex.split(service["ExecStart"])[-1]
    assert home.startswith(service["ReadWritePaths"])
    assert (OPS / "logrotate" / "novation").read_text().startswith(f"{home}/logs/*.log {{")


def test_the_image_has_the_pinned_comet_runs_as_nobody_special_and_holds_no_keys() -> None:
    found = instructions()
    assert {name for name, _ in found} <= {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE",
                                           "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    text = "\n".join(rest for _, rest in found)
    assert re.findall(r"cometbft@(\S+)", text) == [COMETBFT_VERSION]
    final = found[max(at for at, (name, _) in enumerate(found) if name == "FROM"):]
    user = next(rest for name, rest in final if name == "USER")
    assert any(f"--uid {user}" in rest for name, rest in final if name == "RUN")
    assert all(":" in rest.split()[0] for name, rest in found if name == "FROM"), "images have versions"
    assert ("CMD", '["start"]') in final
    assert known(["start"]) and known(["status", "--output"])
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert {"**/*_key.json", ".localnet", ".git"} <= set(ignored)


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([Path(sys.executable).with_name("hadolint"), OPS / "docker" / "Dockerfile"],
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    """Every setting is one that systemd knows; the program's place is replaced, because it is another here."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd-analyze")
    text = (OPS / "systemd" / "novation.service").read_text()
    copy = tmp_path / "novation.service"
    copy.write_text(text.replace("/opt/novation/.venv/bin/novation", "/bin/true"))
    done = subprocess.run([tool, "verify", "--man=no", copy], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    copy.write_text(copy.read_text() + "Restrat=always\n[Service]\nRestart=sometimes\n")
    assert "sometimes" in subprocess.run([tool, "verify", "--man=no", copy], capture_output=True, text=True).stderr


def test_stages_are_copied_from_stages_that_exist() -> None:
    stages = {rest.split(" AS ")[1] for name, rest in instructions() if name == "FROM" and " AS " in rest}
    used = set(re.findall(r"--from=(\S+)", "\n".join(rest for name, rest in instructions() if name == "COPY")))
    assert used == stages


def test_the_compose_file_names_files_and_services_that_exist() -> None:
    text = (OPS / "docker" / "compose.yaml").read_text()
    PyCompose.from_yaml(text).validate()  # by the Compose Specification
    compose = yaml.safe_load(text)
    services = compose["services"]
    folder = OPS / "docker"
    assert (folder / services["node"]["build"]["context"] / services["node"]["build"]["dockerfile"]).is_file()
    for name, service in services.items():
        assert service["restart"] == "always", name
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (folder / source).exists() if source.startswith(".") else source in compose["volumes"], volume
        for port in service.get("ports", ()):
            assert port == "26600:26600" or port.startswith("127.0.0.1:"), "only peers reach in from outside"
        if name != "node":
            assert re.fullmatch(r"\S+:v?\d+\.\d+\.\d+", service["image"])
    assert services["prometheus"]["network_mode"] == "service:node"


@pytest.mark.parametrize("path", sorted(OPS.rglob("*.y*ml")), ids=lambda path: path.name)
def test_yaml_parses(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_prometheus_scrapes_the_ports_that_init_chooses() -> None:
    scrape = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    targets = [one["static_configs"][0]["targets"][0] for one in scrape["scrape_configs"]]
    init = cli.get_command(click.Context(cli), "init")
    assert init is not None
    first = next(parameter.default for parameter in init.params if "--metrics-port" in parameter.opts)
    assert targets == [f"127.0.0.1:{first + at}" for at in range(3)]
    assert scrape["rule_files"] == ["alerts.yml"]

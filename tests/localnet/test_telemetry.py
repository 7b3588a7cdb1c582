"""A real node is scraped: every metric that a dashboard or an alert names is there."""

from collections.abc import Iterator

import httpx
import pytest

from node.localnet.plan import load_plan
from tests.helpers.ops import asked, served
from tests.localnet.commands import Novation, processes_of, wait_until

pytestmark = pytest.mark.localnet


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Where the first of two nodes serves figures: engine, gateway, CometBFT."""
    novation = Novation(tmp_path_factory.mktemp("scraped"))
    try:
        novation.text("localnet", "up", "--detach", "--validators", "2")
        yield list(load_plan(novation.folder / ".localnet").nodes[0].metrics)
    finally:
        novation.run("localnet", "down")
        wait_until(lambda: not processes_of(novation.folder), "everything stopped")


def scrape(address: str) -> str:
    try:
        return httpx.get(f"http://{address}/metrics", trust_env=False).text
    except httpx.HTTPError:
        return ""


def test_every_metric_that_is_asked_for_is_in_a_real_scrape(ports: list[str]) -> None:
    wait_until(lambda: "novation_gateway_live 1" in scrape(ports[1]), "a gateway that follows")

    def missing() -> dict[str, set[str]]:
        found = served("".join(map(scrape, ports)))
        return {name: where for name, where in asked().items() if name not in found}

    wait_until(lambda: not missing(), "CometBFT shows some only once they happened")
    engine = scrape(ports[0])
    assert 'novation_block_stage_seconds_count{stage="finalize"}' in engine
    assert 'novation_open_interest_lots{market="BTC-PERP"}' in engine
    assert 'novation_book_depth_usd{market="BTC-PERP",side="bid"}' in engine

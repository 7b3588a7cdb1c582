"""Headers of every answer, other origins, rates, and ports that are taken."""

import asyncio

import httpx
import pytest

from node.gateway.clients import Rates
from node.gateway.server import Gateway
from novation.testing import Chain


def test_every_answer_keeps_scripts_of_others_out(http: httpx.Client) -> None:
    for path in ("/", "/api/status", "/api/nothing", "/style.css", "/api/book?market=99"):
        headers = http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and "set-cookie" not in headers
        assert "access-control-allow-origin" not in headers and "server" not in headers


@pytest.mark.parametrize("headers", [
    {"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    {"origin": "null"},
])
def test_other_sites_may_not_use_the_api(http: httpx.Client, headers: dict[str, str]) -> None:
    for answer in (http.get("/api/status", headers=headers), http.post("/api/submit", content=b"x", headers=headers)):
        assert (answer.status_code, answer.json()["reason"]) == (403, "CROSS_ORIGIN")
    assert http.get("/", headers=headers).status_code == 200, "a link to the page is fine"


def test_the_page_itself_may(chain: Chain, http: httpx.Client) -> None:
    headers = {"origin": f"http://{chain.web_address}", "sec-fetch-site": "same-origin"}
    assert http.get("/api/status", headers=headers).status_code == 200


def test_an_address_may_ask_so_often_and_then_waits() -> None:
    rates = Rates(rate=10, burst=3)
    assert [rates.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert rates.take("b", 0.0), "another address has its own"
    assert rates.take("a", 0.1) and not rates.take("a", 0.15)
    assert [rates.take("a", 100.0) for _ in range(4)] == [True, True, True, False], "never more than the burst"


def test_addresses_are_bounded() -> None:
    rates = Rates(rate=0, burst=1, known_max=3)
    for address in "abcd":
        assert rates.take(address, 0.0)
    assert not rates.take("d", 0.0) and len(rates._buckets) == 3


def test_too_many_requests_are_told_when_to_come_back(chain: Chain, http: httpx.Client) -> None:
    web = chain.server.gateway.web
    assert web is not None
    web.rates.rate, web.rates.burst = 0, 2
    served, _, refused = (http.get("/api/errors") for _ in range(3))
    assert (served.status_code, refused.status_code) == (200, 429)
    assert refused.json()["reason"] == "TOO_MANY_REQUESTS" and refused.headers["retry-after"] == "1"


def test_a_taken_port_is_an_error_that_says_what_to_do(chain: Chain) -> None:
    async def start() -> None:
        await Gateway(chain.chain.socket, "127.0.0.1:0", web_listen=chain.web_address).start()

    with pytest.raises(OSError, match="--web-listen"):
        asyncio.run(start())

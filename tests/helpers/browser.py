"""A real headless Chromium through its own chromedriver, by the W3C WebDriver protocol: JSON over HTTP."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

DEADLINE_SECONDS = 60.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's own name of a reference
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Space": "\ue00d"}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--hide-scrollbars", "--force-device-scale-factor=1",
)


def missing() -> str:
    """Why there is no browser here; empty when there is one."""
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"no {name} on the path: `apt-get install chromium chromium-driver` brings it"
    return ""


class Browser:
    """One browser window."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._path = f"/session/{session}"

    def _do(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        answer = self._http.request(method, self._path + path, json=(body or {}) if method == "POST" else None)
        value = answer.json()["value"]
        if answer.status_code != 200:
            raise AssertionError(f"{path} {body}: {value['error']}: {value['message'][:500]}")
        return value

    def open(self, url: str) -> None:
        """Go to a page."""
        self._do("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script's body, awaited if it is a promise."""
        text = f"const done = arguments[arguments.length - 1]; (async (...args) => {{ {script} }})(...arguments)" \
               ".then(value => done({value}), error => done({error: String(error)}));"
        found = self._do("/execute/async", {"script": text, "args": list(arguments)})
        if "error" in found:
            raise AssertionError(found["error"])
        return found.get("value")

    def find(self, selector: str) -> str:
        """The reference of an element; waits until it is there."""
        return wait_for(lambda: self._find(selector), f"no {selector}")

    def _find(self, selector: str) -> str | None:
        found = self._do("/elements", {"using": "css selector", "value": selector})
        return found[0][ELEMENT] if found else None

    def click(self, selector: str) -> None:
        """Click as a person does: scrolled into view, and refused if something covers it."""
        element = self.find(selector)
        wait_for(lambda: self._do(f"/element/{element}/enabled", method="GET"), f"{selector} stays disabled")
        self._do(f"/element/{element}/click")

    def write(self, selector: str, text: str) -> None:
        """Replace what a field holds."""
        element = self.find(selector)
        self._do(f"/element/{element}/clear")
        self._do(f"/element/{element}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Keys, one after the other, to whatever has the focus."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._do("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def text(self, selector: str) -> str:
        """What an element shows."""
        return str(self._do(f"/element/{self.find(selector)}/text", method="GET"))

    def until(self, selector: str, wanted: Callable[[str], bool], what: str = "") -> str:
        """The text of an element once it is as wanted."""
        last = [""]

        def look() -> str | None:
            last[0] = self.run("return document.querySelector(args[0])?.textContent ?? ''", selector)
            return last[0] if wanted(last[0]) else None

        return wait_for(look, lambda: f"{selector} shows {last[0]!r}, not {what}")

    def look_like(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """The size of the window and the colour scheme, as a device has them."""
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=width < 600)
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._do("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def screenshot(self, path: Path) -> None:
        """The whole page as a picture."""
        found = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[str]:
        """What the browser's console said of errors since the last time."""
        return [entry["message"] for entry in self._do("/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]


def wait_for(look: Callable[[], Any], otherwise: str | Callable[[], str]) -> Any:
    """What `look` finds once it finds something."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(0.05)
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A fresh browser with an empty profile, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="novation-browser-", ignore_cleanup_errors=True) as folder:
        driver = subprocess.Popen(["chromedriver", "--port=0", f"--log-path={folder}/driver.log"], text=True,
                                  stdout=subprocess.PIPE, env={**os.environ, "HOME": folder})
        try:
            assert driver.stdout is not None
            line = next(text for text in driver.stdout if "successfully on port" in text)
            port = int(line.rstrip(". \n").rpartition(" ")[2])
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=2 * DEADLINE_SECONDS) as http:
                options = {"args": [*FLAGS, f"--user-data-dir={folder}/profile"],
                           "binary": shutil.which("chromium")}
                asked = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options,
                                                          "goog:loggingPrefs": {"browser": "ALL"}}}}
                answer = http.post("/session", json=asked).json()["value"]
                if "sessionId" not in answer:
                    raise AssertionError(f"the browser does not start: {answer.get('message', answer)}")
                made = Browser(http, answer["sessionId"])
                try:
                    made._do("/timeouts", {"script": int(1000 * DEADLINE_SECONDS)})
                    yield made
                finally:  # the driver's end alone leaves the browser running
                    http.delete(f"/session/{answer['sessionId']}")
        finally:
            driver.terminate()
            driver.wait()

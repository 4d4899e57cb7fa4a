"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any, NoReturn

import aiohttp

KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27,
        "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "Tab": 9}  # fmt: skip
_ANSWER_S = 30


@contextlib.contextmanager
def chromium(profile: Path, missing: Callable[[str], NoReturn]) -> Generator[str]:
    """Start a browser; yields the address of its DevTools."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        missing("no Chromium to open the report in")
    with subprocess.Popen(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--hide-scrollbars", f"--user-data-dir={profile}",
         "--remote-debugging-port=0", "about:blank"],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            said = "DevTools listening on "
            yield next(line for line in process.stderr if line.startswith(said))[
                len(said) :
            ].strip()
        finally:
            process.kill()


class Page:
    """An open page: what it is told to do, and what it said and asked for.

    Attributes:
        complaints: what the console heard, errors and anything else.
        asked: the addresses of all requests.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._session: str | None = None
        self._calls: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []
        self.asked: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says, until the socket is closed."""
        async for message in self._socket:
            found = json.loads(message.data)
            if "id" in found:
                self._calls.pop(found["id"]).set_result(found)
            else:
                self._heard(found["method"], found["params"])

    def _heard(self, event: str, said: dict[str, Any]) -> None:
        match event:
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(said["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(said["entry"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(said["request"]["url"])
            case "Page.loadEventFired":
                self._loaded.set()
            case _:
                pass

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call the browser; a refusal fails the test."""
        number = len(self._calls) + 1
        while number in self._calls:
            number += 1
        self._calls[number] = asyncio.get_running_loop().create_future()
        waiting = self._calls[number]
        where = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params} | where)
        found = await asyncio.wait_for(waiting, _ANSWER_S)
        assert "error" not in found, (method, found)
        return found["result"]

    async def open(self, address: str, *, script: bool = True) -> None:
        """Open an address in a tab of its own."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.size(1280, 900)
        await self.call("Emulation.setScriptExecutionDisabled", value=not script)
        await self.call("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), _ANSWER_S)

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the window a size in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        await self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    async def prefers(self, **features: str) -> None:
        """Prefer, as in `prefers(color_scheme="dark")`."""
        await self.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": name if name == "forced-colors" else f"prefers-{name}", "value": value}
                for name, value in ((k.replace("_", "-"), v) for k, v in features.items())
            ],
        )

    async def run(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def text(self, selector: str) -> str:
        """Return the text of the first such element."""
        return await self.run(f"document.querySelector({json.dumps(selector)}).textContent")

    async def middle_of(self, selector: str) -> tuple[float, float]:
        """Bring an element to the middle of the window; return where its own middle is there."""
        x, y = await self.run(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            "it.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const box = it.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return x, y

    async def hover(self, x: float, y: float) -> None:
        """Move the mouse there."""
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def touch(self, x: float, y: float) -> None:
        """Touch that place with a finger, shortly."""
        await self.call(
            "Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}]
        )
        await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=KEYS[key],
            )  # fmt: skip

    async def choose(self, selector: str, option: str) -> None:
        """Choose the option of a list whose text begins so."""
        await self.run(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            f"const found = [...it.options].find(o => o.text.startsWith({json.dumps(option)}));"
            "it.value = found.value; it.dispatchEvent(new Event('change')); })()"
        )

    async def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write a picture of the window, or of the whole page."""
        found = await self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))


@contextlib.asynccontextmanager
async def page(address: str) -> AsyncGenerator[Page]:
    """Hold a connection to the browser at the DevTools address; closes its tab at the end."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(address, max_msg_size=0) as socket,
    ):
        opened = Page(socket)
        listening = asyncio.create_task(opened.listen())
        try:
            yield opened
            await opened.call("Page.close")
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

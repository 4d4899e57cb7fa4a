"""An OpenAI-compatible chat server that answers fast and misbehaves on demand.

    python tests/server/openai_server.py --port 0 --config '{"error_500": 0.2}'

It prints one line, {"port": N}, once it listens on 127.0.0.1, and ends when its standard input is
closed, so that it never outlives whoever started it. Standard library only, on a protocol of its
own: it must not be the bottleneck of a throughput benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import socket
import struct
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from openai_faults import (
    COMPLETIONS,
    Config,
    Memory,
    Reply,
    changed,
    failure,
    is_hit,
    reply,
    uniform,
)

HOST = "127.0.0.1"
LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength:[ \t]*(\d+)")
AUTHORIZATION = re.compile(rb"\r\nauthorization:[ \t]*bearer[ \t]+([^\r]*)", re.IGNORECASE)
PIECES = 8
STATUS = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}


@dataclass(slots=True)
class Call:
    """One chat request on its way; `number` is its place in the order of arrival."""

    number: int
    head: bytes
    body: bytes
    digest: bytes
    connection: Connection
    timer: asyncio.TimerHandle | None = None
    is_working: bool = False
    is_hanging: bool = False


class Server:
    """Routes, slots and counts; lives on one event loop."""

    def __init__(self, config: Config, *, port: int) -> None:
        self.config = config
        self.port = port
        self.connections: set[Connection] = set()
        self._memory = Memory()
        self._counts: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._queue: deque[Call] = deque()
        self._requests = self._in_flight = self._max_in_flight = self._working = 0
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Start to take connections; the first time this fixes the port."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self), HOST, self.port, backlog=1024
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def route(self, connection: Connection, head: bytes, body: bytes) -> None:
        """Answer a request, at once or later."""
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if (method, path) == (b"POST", b"/v1/chat/completions"):
            self._admit(Call(self._requests, head, body, sha256(body).digest(), connection))
        elif (method, path) == (b"GET", b"/v1/models"):
            connection.send(self._models(head))
        elif (method, path) == (b"GET", b"/metrics") and self.config.prefix_hits:
            connection.send(Reply("metrics", 200, self._metrics()))
        elif (method, path) == (b"GET", b"/stats"):
            connection.send(Reply("stats", 200, json.dumps(self._stats()).encode()))
        elif (method, path) == (b"POST", b"/control"):
            self._control(connection, body)
        else:
            where = f"{method.decode('latin-1')} {path.decode('latin-1')}"
            connection.send(failure("not_found", 404, f"nothing at {where}"))

    def end(self, call: Call, kind: str) -> None:
        """Count a call as over, and give its slot to the next."""
        if call.timer is not None:
            call.timer.cancel()
        call.connection.call = None
        self._in_flight -= 1
        self._counts[kind] += 1
        if kind in COMPLETIONS:
            self._answered[call.digest.hex()] += 1
        if not call.is_working:
            self._queue.remove(call)
            return
        self._working -= 1
        while self._queue and self._has_room():
            # On a fresh stack: a long queue of instant answers would recurse.
            self._start(self._queue.popleft(), at_once=False)

    def _has_room(self) -> bool:
        return not self.config.slots or self._working < self.config.slots

    def _admit(self, call: Call) -> None:
        call.connection.call = call
        self._requests += 1
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)
        if self._has_room():
            self._start(call, at_once=True)
        else:
            self._queue.append(call)

    def _start(self, call: Call, *, at_once: bool) -> None:
        self._working += 1
        call.is_working = True
        config = self.config
        wait_ms = config.latency_ms
        if config.latency_jitter_ms:
            share = uniform(config.seed, "latency", call.number)
            wait_ms += share * config.latency_jitter_ms
        if at_once and not wait_ms:
            self._answer(call)
        else:
            loop = asyncio.get_running_loop()
            call.timer = loop.call_later(wait_ms / 1000, self._answer, call)

    def _answer(self, call: Call) -> None:
        if refusal := self._unauthorised(call.head):
            answer = refusal
        else:
            answer = reply(self.config, self._memory, call.number, call.body, call.digest)
        if answer.kind == "hang":
            call.is_hanging = True
            return
        if answer.kind == "reset":
            call.connection.reset()
            self.end(call, "reset")
            return
        is_chunked = is_hit(self.config, "chunked", call.number)
        is_slow = is_hit(self.config, "slow_body", call.number)
        pause_s = self.config.slow_body_ms / 1000 / PIECES if is_slow else 0
        if is_chunked or is_slow:
            call.connection.dribble(call, answer, is_chunked=is_chunked, pause_s=pause_s)
        else:
            self.end(call, answer.kind)
            call.connection.send(answer)
            if call.timer is not None:
                call.connection.advance()

    def _unauthorised(self, head: bytes) -> Reply | None:
        if not self.config.auth:
            return None
        found = AUTHORIZATION.search(head)
        if found and found[1].strip() == self.config.auth.encode():
            return None
        return failure("auth", 401, "Incorrect API key provided")

    def _models(self, head: bytes) -> Reply:
        if refusal := self._unauthorised(head):
            return refusal
        if self.config.models_status != HTTPStatus.OK:
            return failure("models_status", self.config.models_status, "no list of models here")
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "stub"}
            for name in self.config.models
        ]
        return Reply("models", 200, json.dumps({"object": "list", "data": data}).encode())

    def _metrics(self) -> bytes:
        """Return what vLLM's metrics hold of its prefix cache: a hundred tokens a request."""
        tokens = 100.0 * self._requests
        return (
            "# HELP vllm:prefix_cache_queries_total Prefix cache queries.\n"
            f'vllm:prefix_cache_queries_total{{engine="0",model_name="stub"}} {tokens}\n'
            f'vllm:prefix_cache_queries_created{{engine="0",model_name="stub"}} 1.7e+09\n'
            f'vllm:prefix_cache_hits_total{{engine="0",model_name="stub"}} '
            f"{tokens * self.config.prefix_hits}\n"
        ).encode()

    def _stats(self) -> dict[str, Any]:
        return {
            "requests": self._requests,
            "in_flight": self._in_flight,
            "max_in_flight": self._max_in_flight,
            "counts": self._counts,
            "refused_prompts": len(self._memory.refused),
            "answered": self._answered,
        }

    def _control(self, connection: Connection, body: bytes) -> None:
        try:
            changes = json.loads(body)
            down_for_s = float(changes.pop("down_for_s", 0))
            self.config = changed(self.config, changes)
        except (ValueError, TypeError, AttributeError) as error:
            connection.send(failure("control", 400, str(error)))
            return
        if down_for_s:
            task = asyncio.get_running_loop().create_task(self._go_down(down_for_s, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        connection.send(Reply("control", 200, b"{}"), is_last=down_for_s > 0)

    async def _go_down(self, for_s: float, spared: Connection) -> None:
        """Refuse connections for a while; the one that asked for it still gets its answer."""
        assert self._listener is not None
        self._listener.close()
        for connection in self.connections - {spared}:
            connection.reset()
        # A socket that holds the port without listening: else a client that tries again and again
        # may be given this very port as its own and connect to itself.
        with contextlib.closing(socket.socket()) as hold:
            hold.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                hold.bind((HOST, self.port))
            await asyncio.sleep(for_s)
        await self.listen()


class Connection(asyncio.Protocol):
    """One keep-alive connection: takes a request, waits until it is answered, takes the next."""

    def __init__(self, server: Server) -> None:
        self.call: Call | None = None
        self._server = server
        self._buffer = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self.call is not None:
            self._server.end(self.call, "hang" if self.call.is_hanging else "gone")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self.advance()

    def send(self, answer: Reply, *, is_last: bool = False) -> None:
        """Send a whole answer."""
        size = b"Content-Length: %d\r\n" % len(answer.body)
        self._transport.write(_head(answer) + size + b"\r\n" + answer.body)
        if is_last:
            self._transport.close()

    def dribble(self, call: Call, answer: Reply, *, is_chunked: bool, pause_s: float) -> None:
        """Send an answer in pieces; the call ends with the last of them."""
        size = len(answer.body)
        step = -(-size // PIECES) or 1
        pieces = [answer.body[at : at + step] for at in range(0, size, step)]
        length = b"Content-Length: %d\r\n" % size
        if is_chunked:
            pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
            length = b"Transfer-Encoding: chunked\r\n"
        loop = asyncio.get_running_loop()

        def send_from(at: int) -> None:
            self._transport.write(pieces[at] if pieces else b"")
            if at + 1 < len(pieces):
                call.timer = loop.call_later(pause_s, send_from, at + 1)
            else:
                self._server.end(call, answer.kind)
                self.advance()

        self._transport.write(_head(answer) + length + b"\r\n")
        call.timer = loop.call_later(pause_s, send_from, 0)

    def reset(self) -> None:
        """Close the connection with a TCP reset, whatever it was doing."""
        linger = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        self._transport.abort()

    def advance(self) -> None:
        """Hand on the requests that the buffer holds whole, one at a time."""
        while self.call is None and not self._transport.is_closing():
            at = self._buffer.find(b"\r\n\r\n")
            if at < 0:
                return
            head = bytes(self._buffer[:at])
            found = LENGTH.search(head)
            if not found and head.startswith(b"POST"):
                self.send(failure("no_length", 411, "Content-Length is needed"), is_last=True)
                return
            end = at + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[at + 4 : end])
            del self._buffer[:end]
            self._server.route(self, head, body)


def _head(answer: Reply) -> bytes:
    return STATUS[answer.status] + b"Content-Type: application/json\r\n" + answer.headers


def _end_with_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop the server once standard input is closed, as it is when its parent dies."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop may have been closed by a signal
        loop.call_soon_threadsafe(stop.set)


async def serve(config: Config, *, port: int) -> None:
    """Listen and answer until standard input is closed."""
    server, stop = Server(config, port=port), asyncio.Event()
    await server.listen()
    sys.stdout.write(json.dumps({"port": server.port}) + "\n")
    sys.stdout.flush()
    watch = (asyncio.get_running_loop(), stop)
    threading.Thread(target=_end_with_input, args=watch, daemon=True).start()
    await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that misbehaves.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--config", default="{}", help="JSON; README.md lists the names")
    options = parser.parse_args()
    try:
        config = changed(Config(), json.loads(options.config))
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(config, port=options.port))


if __name__ == "__main__":
    main()

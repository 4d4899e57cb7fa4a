"""Where a server is to listen: a port that stays ours while the server is not there yet."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Generator
from dataclasses import dataclass

from augment.errors import InputError

LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - what a user may ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host and a port."""

    host: str
    port: int

    @property
    def base(self) -> str:
        """Its address, from this machine."""
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def endpoint(self) -> str:
        """What `--endpoint` wants."""
        return f"{self.base}/v1"


@contextlib.contextmanager
def held(host: str = LOOPBACK, port: int = 0) -> Generator[Place]:
    """Hold a port, a free one where it is 0.

    It is bound and not listened at, so that nobody else is given it, and who calls is refused at
    once. Who says SO_REUSEADDR, as vLLM does, may bind and listen all the same.

    Raises:
        InputError: it is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except (OSError, OverflowError) as error:
            what = f"{host}:{port} cannot be used: {getattr(error, 'strerror', None) or error}"
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                what = f"port {port} is in use; give another, or end what listens there"
            raise InputError.one("--port", what) from None
        yield Place(host=host, port=bound.getsockname()[1])

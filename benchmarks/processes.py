"""CPU seconds of the processes that a measurement starts, by what they are, while it goes on."""

from __future__ import annotations

import bisect
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Mapping

import psutil

_EVERY_S = 0.2


class Processes:
    """Looks at the descendants of this process now and then, as long as it is entered.

    Args:
        kinds: what to call a process, by a part of its command line; others are not counted.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._seen: list[tuple[float, Mapping[str, float]]] = []
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Processes:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()

    def seconds(self, began: float, ended: float) -> dict[str, float]:
        """Return the CPU seconds of each kind between two times, in seconds since the epoch.

        The processes must be there at both: one that ends takes its seconds along.
        """
        times = [at for at, _ in self._seen]
        first, last = (self._seen[bisect.bisect(times, at) - 1][1] for at in (began, ended))
        return {kind: last.get(kind, 0.0) - first.get(kind, 0.0) for kind in self._kinds.values()}

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(_EVERY_S):
            found: Counter[str] = Counter()
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    spent, line = process.cpu_times(), " ".join(process.cmdline())
                    kind = next((name for part, name in self._kinds.items() if part in line), None)
                    if kind is not None:
                        found[kind] += spent.user + spent.system
            self._seen.append((time.time(), found))

"""One thread for BLAS while a run goes on.

Filters multiply small matrices: threads that wait for each other, and for those of a model that
runs beside them, cost more than they do. The number is the process's, and runs may overlap in it:
the first to begin sets it, and the last to end puts it back.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from typing import Any

from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

_lock = threading.Lock()
_runs = 0
_limits: Any = None


@contextlib.contextmanager
def one_for_blas() -> Generator[None]:
    """Let BLAS have one thread in this process until the last one who asked for it leaves."""
    global _runs, _limits
    with _lock:
        if not _runs:
            _limits = threadpool_limits(limits=1, user_api="blas")
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if not _runs:
                _limits.restore_original_limits()

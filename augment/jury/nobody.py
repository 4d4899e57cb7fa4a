"""The jury of a run in which none is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from augment.records import Candidate, Completion, Failure, Request, Verdict, Vote


class Nobody:
    """The Protocol `Jury`, never asking anything."""

    speaks_for = ""
    idle = True
    in_flight = 0
    calibration = None

    def restore(self, vote: Vote) -> None:
        """Leave it."""

    def hear(self, row: Candidate, arrival: int) -> None:
        """Leave it."""

    def next(self) -> Request | None:
        """Ask nothing."""

    def take(self, request: Request, outcome: Completion | Failure) -> Vote | None:
        """Take nothing."""

    async def ready(self, row: Candidate, arrival: int) -> bool:  # noqa: ARG002 - the Protocol's
        """Wait for nothing."""
        return True

    def judge(self, row: Candidate, arrival: int, verdicts: Sequence[Verdict]) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Say nothing."""
        return []

    def stop(self) -> None:
        """Go on asking nothing."""

    def end(self, *, gone: bool) -> None:
        """Go on waiting for nothing."""

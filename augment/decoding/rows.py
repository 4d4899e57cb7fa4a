"""One answer in the making: a row of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from llguidance import LLMatcher

from augment.decoding.guide import Guide
from augment.decoding.likelihood import Scored
from augment.decoding.sampling import Draw
from augment.records import Completion, Failure, Request

Outcome: TypeAlias = Completion | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A request and the place where its outcome is awaited; a guide has a say in its tokens."""

    request: Request
    guide: Guide | None = None
    outcome: Future[Outcome] = field(default_factory=Future[Outcome])


@dataclass(slots=True, kw_only=True)
class Row:
    """The state of one answer.

    Attributes:
        room: how many tokens the answer may have: the request's limit, what is left of the
            model's context, or what its guide allows.
        length: how many tokens the model has read: this row's columns in the cache.
        answer: the answer's tokens; those that are forced are in it before the model reads them.
        unread: how many of the last tokens the model has not read yet.
        scores: of the answer's tokens, where they are wanted.
        opening: how many tokens the schema forces an answer to begin with.
        drafts: how many answers were thrown away.
        thrown: how many tokens were in them.
        ended: why the answer ended, None while it goes on.
    """

    ticket: Ticket
    prompt: Sequence[int]
    room: int
    draw: Draw
    matcher: LLMatcher | None
    length: int = 0
    answer: list[int] = field(default_factory=list[int])
    unread: int = 0
    scores: list[Scored] = field(default_factory=list[Scored])
    opening: int = 0
    drafts: int = 0
    thrown: int = 0
    ended: Completion | Failure | str | None = None

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.ticket.outcome.cancelled()

    @property
    def text(self) -> list[int]:
        """The prompt and the answer so far."""
        return [*self.prompt, *self.answer]

    @property
    def next_unread(self) -> int:
        """The token that the model is to read next."""
        place = len(self.answer) - self.unread
        return self.answer[place] if place >= 0 else self.prompt[place]

    @property
    def cost(self) -> int:
        """How many tokens were drawn, those of drafts included."""
        return self.thrown + len(self.answer)

    def begin(self) -> None:
        """Take what the schema forces an answer to begin with."""
        self._force()
        self.opening = len(self.answer)
        if (guide := self.ticket.guide) is not None:
            self.room = min(self.room, self.opening + guide.room)

    def begin_again(self, matcher: LLMatcher | None) -> None:
        """Throw the answer away; the last token before it is read anew.

        Args:
            matcher: at the beginning of an answer.
        """
        self.drafts += 1
        self.thrown += len(self.answer) - self.opening
        del self.answer[self.opening :]
        self.scores.clear()
        self.matcher, self.ended = matcher, None
        if matcher is not None:
            matcher.consume_tokens(self.answer)
        self.length, self.unread = len(self.prompt) + self.opening - 1, 1

    def take(self, token: int, *, ends: frozenset[int]) -> None:
        """Add the token that was drawn, and what it entails."""
        if token in ends:
            self.ended = self._fault() or "stop"
            return
        self.answer.append(token)
        self.unread += 1
        if self.matcher is not None:
            self.matcher.consume_token(token)
        self._force()

    def _force(self) -> None:
        """Add the tokens that leave no choice, unless each one's probabilities are wanted."""
        matcher = self.matcher
        if matcher is not None and not matcher.is_stopped() and self._may_force:
            forced = matcher.compute_ff_tokens()[: self.room - len(self.answer)]
            if forced:
                matcher.consume_tokens(forced)
                self.answer += forced
                self.unread += len(forced)
        if (fault := self._fault()) is not None:
            self.ended = fault
        elif matcher is not None and matcher.is_stopped():
            self.ended = "stop"
        elif len(self.answer) >= self.room:
            self.ended = "length"

    @property
    def _may_force(self) -> bool:
        return self.ticket.request.logprobs is None

    def _fault(self) -> Failure | None:
        if self.matcher is None or not self.matcher.is_error():
            return None
        return Failure(code="refused", detail=f"llguidance gave up: {self.matcher.get_error()}")

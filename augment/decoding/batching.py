"""The batch that decodes token by token: an answer that ends makes room for a waiting one."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import InvalidStateError

import torch

from augment.decoding.guide import mixed
from augment.decoding.key_values import KeyValues
from augment.decoding.likelihood import scored
from augment.decoding.model import Loaded
from augment.decoding.prompts_seen import PromptsSeen
from augment.decoding.rows import Outcome, Row, Ticket
from augment.decoding.sampling import next_tokens
from augment.decoding.wording import Wording
from augment.records import Failure

_MOST_TOKENS = {"cpu": 2048, "cuda": 16384}
"""Read in one forward pass of new prompts; bounds its memory and, on a CPU, its time."""
_PATIENCE = 4
"""So many steps a request may wait for others, to be read together with them."""

_log = logging.getLogger(__name__)


class Batch:
    """Rows that are decoded together.

    Args:
        limit: the most rows.
    """

    def __init__(self, loaded: Loaded, *, limit: int) -> None:
        self._network = loaded.network
        self._device = loaded.device
        self._wording = Wording(loaded)
        self._ends = loaded.ends
        self._limit = limit
        self._gather = max(1, limit // 8)
        self._waiting: deque[Row] = deque()
        self._waited = 0
        self._rows: list[Row] = []
        self._tried = 0
        self._seen = PromptsSeen()
        self._layers = loaded.layers
        self._cache = KeyValues(loaded.layers)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._rows and not self._waiting

    def add(self, ticket: Ticket) -> None:
        """Take a request; one that cannot be answered gets its failure at once."""
        try:
            row = self._wording.row(ticket)
        except Exception as error:  # noqa: BLE001 - a chat template's code may raise anything
            row = Failure(code="refused", detail=f"the prompt cannot be put into tokens: {error!r}")
        if isinstance(row, Failure):
            _tell(ticket, row)
        else:
            row.begin()
            if row.ended is None:
                self._waiting.append(row)
            else:
                self._finish(row)

    @torch.inference_mode()
    def step(self) -> None:
        """Read what waits, if it is time to, and go one token on with every row."""
        self._clear()
        try:
            if self._waiting and len(self._rows) < self._limit:
                self._waited += 1
                enough = min(self._gather, self._limit - len(self._rows))
                if not self._rows or len(self._waiting) >= enough or self._waited > _PATIENCE:
                    self._waited = 0
                    self._admit()
            if self._rows:
                self._decode()
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            self._shrink(error)

    def _admit(self) -> None:
        """Read the prompts of waiting requests, each from where it differs from one seen."""
        new, known, novel = self._chosen()
        old = len(self._rows)
        self._tried = old + len(new)
        read = [row.text for row in new]
        lengths = [len(tokens) for tokens in read]
        longest = max(lengths)
        width = max(length - seen for length, seen in zip(lengths, known, strict=True))
        self._cache.reserve(rows=old + len(new), used=self._used(), longest=longest, new=0)
        for at, row in enumerate(new):
            length = lengths[at]
            if length > width:
                # Read again what a shorter prompt has left in common, rather than pad: padding
                # would be written over it.
                self._seen.restore(self._cache, old + at, read[at], known=length - width)
            row.length, row.unread = length, 0
        inputs = [[0] * (width - len(tokens)) + tokens[-width:] for tokens in read]
        self._cache.show(row=old, longest=longest, new=width)
        logits = self._forward(inputs, lengths)
        if novel:
            self._seen.remember(self._cache, old, read[0])
        for _ in new:
            self._waiting.popleft()
        self._rows += new
        self._draw(new, logits)
        self._clear()

    def _chosen(self) -> tuple[list[Row], list[int], bool]:
        """Return the waiting rows to read now, and how much of each was seen before.

        And whether it is one to remember: it is read alone, so that those behind profit from it.
        """
        new = list(self._waiting)[: self._limit - len(self._rows)]
        texts = [row.text for row in new]
        known: list[int] = []
        tokens = 0
        for at, text in enumerate(texts):
            shared = self._seen.shared(text)
            following = texts[at + 1] if at + 1 < len(texts) else None
            novel = self._seen.novel(text, shared=shared, following=following)
            if novel and at == 0:
                return new[:1], [shared], True
            tokens += len(text) - shared
            if at and (novel or tokens > _MOST_TOKENS[self._device.type]):
                break
            known.append(shared)
        return new[: len(known)], known, False

    def _decode(self) -> None:
        """Let the model read one token of every row, and draw where it has read them all."""
        rows = self._rows
        used = self._used()
        self._tried = len(rows)
        self._cache.reserve(rows=len(rows), used=used, longest=used, new=1)
        self._cache.end += 1
        self._cache.show(row=0, longest=used + 1, new=1)
        inputs = [[row.next_unread] for row in rows]
        try:
            logits = self._forward(inputs, [row.length + 1 for row in rows])
        except RuntimeError:
            self._cache.end -= 1
            raise
        for row in rows:
            row.length += 1
            row.unread -= 1
        drawing = [at for at, row in enumerate(rows) if not row.unread]
        if len(drawing) < len(rows):
            logits = logits[drawing]
        if drawing:
            self._draw([rows[at] for at in drawing], logits)
        self._clear()

    def _forward(self, inputs: Sequence[Sequence[int]], lengths: Sequence[int]) -> torch.Tensor:
        """Return the logits after each row's last token, in float32."""
        read, ends = (torch.tensor(each, device=self._device) for each in (inputs, lengths))
        return self._network(read, ends, self._cache)

    def _draw(self, rows: list[Row], logits: torch.Tensor) -> None:
        """Give each row its next token."""
        grammars = self._wording.grammars
        allowed = grammars.allowed([row.matcher for row in rows], device=logits.device)
        if allowed is not None:
            logits = logits.masked_fill_(~allowed, -torch.inf)
        logits = mixed(logits, [row.ticket.guide for row in rows], [row.answer for row in rows])
        tokens = next_tokens(logits, [row.draw for row in rows])
        for at, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            wanted = row.ticket.request.logprobs
            if wanted is not None and token not in self._ends:
                row.scores.append(scored(logits[at], token=token, k=wanted))
            row.take(token, ends=self._ends)

    def _used(self) -> int:
        return max((row.length for row in self._rows), default=0)

    def _clear(self) -> None:
        """Hand over what has ended, and forget what nobody waits for."""
        for row in [row for row in self._waiting if row.cancelled]:
            self._waiting.remove(row)
        for at in reversed(range(len(self._rows))):
            row = self._rows[at]
            if not row.cancelled and (row.ended is None or self._again(at, row)):
                continue
            self._finish(row)
            last = self._rows.pop()
            if last is not row:
                self._cache.move(len(self._rows), at, length=last.length)
                self._rows[at] = last

    def _again(self, at: int, row: Row) -> bool:
        """Begin an answer anew that its guide will not have; tell whether that was so."""
        guide = row.ticket.guide
        if guide is None or row.drafts >= guide.drafts or row.draw.temperature == 0:
            return False
        if row.ended == "stop":
            if guide.will_do(self._wording.answer(row)):
                return False
        elif row.ended != "length" or row.room < row.opening + guide.room:
            return False  # a failure, or cut by another than the guide
        length = row.length
        row.begin_again(self._wording.matcher(row.ticket.request))
        self._cache.rewind(at, length=length, kept=row.length)
        return True

    def _finish(self, row: Row) -> None:
        if not row.cancelled:
            _tell(row.ticket, self._wording.outcome(row))

    def _shrink(self, error: RuntimeError) -> None:
        """Begin anew with half as many rows: the same seeds draw the same tokens."""
        rows, waiting = self._rows, list(self._waiting)
        if self._tried <= 1:  # it will not fit, however few there are
            hopeless = rows.pop() if rows else waiting.pop(0)
            _tell(hopeless.ticket, Failure(code="server_error", detail=str(error)))
        self._limit = max(1, self._tried // 2)
        _log.warning("out of memory: %d requests at a time from now on", self._limit)
        self._rows, self._waiting = [], deque()
        self._cache = KeyValues(self._layers)
        self._seen.forget()
        torch.cuda.empty_cache()
        for row in [*rows, *waiting]:
            self.add(row.ticket)

    def tickets(self) -> list[Ticket]:
        """Return what is not answered yet."""
        return [row.ticket for row in [*self._rows, *self._waiting]]


def _out_of_memory(error: RuntimeError) -> bool:
    """Tell whether that is what went wrong: on a CPU torch has no class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


def _tell(ticket: Ticket, outcome: Outcome) -> None:
    with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
        ticket.outcome.set_result(outcome)

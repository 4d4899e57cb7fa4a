"""From requests to tokens, and from tokens to answers."""

from __future__ import annotations

from typing import Literal, cast

from llguidance import LLMatcher

from augment.decoding.guidance import Grammars
from augment.decoding.likelihood import pieces
from augment.decoding.model import Loaded
from augment.decoding.rows import Outcome, Row, Ticket
from augment.decoding.sampling import Draw
from augment.logprobs import told
from augment.messages import folded, without_thoughts
from augment.records import Completion, Failure, Message, Request


class Wording:
    """A model's chat template and tokenizer.

    Attributes:
        grammars: its vocabulary's compiled schemas.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._tokens = loaded.tokens
        self._context = loaded.context
        vocabulary = loaded.tokens.vocabulary(width=loaded.width, ends=sorted(loaded.ends))
        self.grammars = Grammars(vocabulary, width=loaded.width)

    def row(self, ticket: Ticket) -> Row | Failure:
        """Return the row that answers a request, or why it cannot be answered."""
        request, sampling = ticket.request, ticket.request.sampling
        try:
            prompt = self._prompt(request.messages)
            matcher = self.matcher(request)
        except ValueError as error:
            return Failure(code="refused", detail=str(error))
        if len(prompt) >= self._context:
            detail = f"the prompt has {len(prompt)} tokens, the model's context {self._context}"
            return Failure(code="prompt_too_long", detail=detail)
        return Row(
            ticket=ticket,
            prompt=prompt,
            room=min(sampling.max_tokens, self._context - len(prompt)),
            draw=Draw(temperature=sampling.temperature, top_p=sampling.top_p, seed=sampling.seed),
            matcher=matcher,
        )

    def matcher(self, request: Request) -> LLMatcher | None:
        """Return a matcher at the beginning of an answer; raise ValueError as `Grammars` does."""
        return None if request.schema is None else self.grammars.matcher(request.schema)

    def _prompt(self, messages: tuple[Message, ...]) -> list[int]:
        """Raise ValueError where the chat template refuses the messages."""
        from jinja2 import TemplateError

        try:
            return self._tokens.prompt(messages)
        except TemplateError as error:
            without_system = folded(messages)
            if without_system == messages:
                raise ValueError(f"the chat template refuses the prompt: {error}") from error
        try:
            return self._tokens.prompt(without_system)
        except TemplateError as error:
            raise ValueError(f"the chat template refuses the prompt: {error}") from error

    def outcome(self, row: Row) -> Outcome:
        """Return the answer of a row that has ended."""
        if isinstance(row.ended, Completion | Failure):
            return row.ended
        request = row.ticket.request
        text, reasoning = self._parts(row, request)
        return Completion(
            text=text,
            finish=cast("Literal['stop', 'length']", row.ended),
            prompt_tokens=len(row.prompt),
            completion_tokens=row.cost,
            reasoning=reasoning,
            logprobs=None if request.logprobs is None else told(pieces(row.scores, self._octets)),
        )

    def _octets(self, token: int) -> bytes:
        return self.grammars.octets([token])

    def answer(self, row: Row) -> str:
        """Return an answer without what was thought aloud before it."""
        return self._parts(row, row.ticket.request)[0]

    def _parts(self, row: Row, request: Request) -> tuple[str, str | None]:
        """Decode all tokens at once: a character may be spread over several of them."""
        if request.schema is not None:
            return self.grammars.octets(row.answer).decode("utf-8", "replace"), None
        return without_thoughts(self._tokens.text(row.answer))

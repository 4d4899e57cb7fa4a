"""A model's tokenizer and the template that puts a chat into one text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llguidance import LLTokenizer
from tokenizers import Tokenizer

from augment.records import Message


class Tokens:
    """Between texts and the numbers of tokens.

    Args:
        tokenizer: the fast one, of the library of that name; it is copied.
        templated: turns a chat, messages of role and content, into the text of a prompt that
            leaves the next turn to the model; raises `jinja2.TemplateError` where it will not.
    """

    def __init__(
        self, tokenizer: Tokenizer, templated: Callable[[list[dict[str, str]]], str]
    ) -> None:
        self._told = tokenizer.to_str()
        self._tokenizer = Tokenizer.from_str(self._told)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._templated = templated

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return a prompt's tokens; raise `jinja2.TemplateError` where the template refuses it."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        return self._tokenizer.encode(self._templated(turns), add_special_tokens=False).ids

    def numbers(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, without marks around them."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [one.ids for one in found]

    def text(self, tokens: Sequence[int]) -> str:
        """Return what tokens say; marks say nothing."""
        return self._tokenizer.decode(list(tokens), skip_special_tokens=True)

    def vocabulary(self, *, width: int, ends: Sequence[int]) -> LLTokenizer:
        """Return the tokenizer as grammars see it.

        Args:
            width: how many tokens the model gives a logit to.
            ends: the tokens that end an answer.
        """
        size = max(width, self._tokenizer.get_vocab_size())
        return LLTokenizer(
            self._told, n_vocab=size, eos_token=list(ends), slices=LLTokenizer.json_slices()
        )

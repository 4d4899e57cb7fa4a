"""The command line's parser: argparse's, which also says what was probably meant."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from augment.shown import meant


class Parser(argparse.ArgumentParser):
    """Names the option, choice or subcommand that is closest to one that there is not."""

    def error(self, message: str) -> NoReturn:
        """Show usage and message, and exit with 2."""
        unknown = [word.partition("=")[0] for word in message.split() if word.startswith("--")]
        if message.startswith("unrecognized"):
            known = list(self._options())
            message += "".join(meant(word, known) for word in unknown)
        super().error(message)

    def _options(self) -> Iterator[str]:
        for action in self._actions:
            yield from action.option_strings
            choices: Any = action.choices
            if isinstance(choices, Mapping):  # subcommands, whose options end up here
                for parser in cast("Mapping[str, Any]", choices).values():
                    yield from parser._options() if isinstance(parser, Parser) else ()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += meant(str(value), map(str, action.choices or ()))
            raise

"""The `augment` command."""

from augment.cli.command import main

__all__ = ["main"]

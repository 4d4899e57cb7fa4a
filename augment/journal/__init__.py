"""The run's memory: what is committed here survives the process."""

from augment.journal.store import SqliteJournal

__all__ = ["SqliteJournal"]

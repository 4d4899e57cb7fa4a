"""Who is asked for the label of rows that passed the filters: nobody, or the run's engine."""

from augment.jury.engine import EngineJury
from augment.jury.nobody import Nobody

__all__ = ["EngineJury", "Nobody"]

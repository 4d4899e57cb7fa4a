"""How much more often something stands in some rows than in others.

Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn, Political Analysis 16,
2008, equations 15, 19 and 22), of rows that hold it against rows that do not: a row counts once,
however often it says it, since the words of one row are not independent of each other.
"""

from __future__ import annotations

import math
from statistics import NormalDist

PRIOR_ROWS = 10.0
"""What the prior weighs: so many rows in which the thing is as frequent as in all."""


def log_odds(own: tuple[int, int], others: tuple[int, int], *, share: float) -> tuple[float, float]:
    """Return the difference of the log-odds, and its z: over its standard deviation.

    Args:
        own: rows that hold it, of how many rows.
        others: the same of the rows that these are held against.
        share: of all rows, that which holds it: the prior; strictly between 0 and 1.
    """
    difference = variance = 0.0
    for sign, (held, rows) in ((1, own), (-1, others)):
        yes = held + PRIOR_ROWS * share
        no = rows - held + PRIOR_ROWS * (1 - share)
        difference += sign * math.log(yes / no)
        variance += 1 / yes + 1 / no
    return difference, difference / math.sqrt(variance)


def least_z(comparisons: int, *, level: float = 0.05) -> float:
    """Return the |z| from which one of so many comparisons is significant (Bonferroni)."""
    return NormalDist().inv_cdf(1 - level / (2 * max(comparisons, 1)))

"""What a jury says of itself."""

from __future__ import annotations

from augment.filters.right_label import Fitted, needed


def statement(fitted: Fitted | None, *, seeds: int, named: int, precision: float) -> str:
    """Return in words how labels are judged, and how that fares on the seeds.

    Args:
        fitted: what the votes on seeds came to; None where that was not enough.
        seeds: that were voted on.
        named: of these were given their own label.
        precision: that was asked for.
    """
    told = f"Asked without being told, it gives {named} of {seeds} seeds their own label."
    if fitted is None:
        least = needed(precision)
        few = f"too few seeds were voted on ({least} at least)"
        why = few if seeds < least else "the votes do not tell them apart well enough"
        return f"Labels are NOT judged by votes: {why} for a precision of {precision:g}. {told}"
    return (
        f"{told} Rows are rejected below a probability of {fitted.threshold:.2f} that the label is "
        f"right, votes and classifier taken together: that finds {fitted.found:.0%} of wrong "
        f"labels on the seeds and loses about {fitted.lost:.1%} of right ones, a precision of "
        f"{fitted.precision:.2f} if one row in ten is wrong."
    )

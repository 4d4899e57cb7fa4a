"""How much a run may spend, and what it has spent."""

from __future__ import annotations

from dataclasses import dataclass

PER_MILLION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits; None is no limit.

    Attributes:
        prompt_price: of a million prompt tokens, in any currency.
        completion_price: of a million tokens of answers, in the same.
        max_cost: in the same.
    """

    max_requests: int
    max_tokens: int | None = None
    max_minutes: float | None = None
    max_cost: float | None = None
    prompt_price: float = 0.0
    completion_price: float = 0.0


@dataclass(slots=True, kw_only=True)
class Spent:
    """What the run has used up, over all its sessions.

    Attributes:
        requests: asks for rows; `votes` on their labels are counted apart, and their tokens with
            those of the rows.
    """

    requests: int = 0
    votes: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def cost(self, budget: Budget) -> float:
        """Return the price of all tokens so far."""
        return PER_MILLION * (
            self.prompt_tokens * budget.prompt_price
            + self.completion_tokens * budget.completion_price
        )

    def exceeds(self, budget: Budget) -> str | None:
        """Return which limit is reached, in words, or None."""
        tokens = self.prompt_tokens + self.completion_tokens
        used: tuple[tuple[str, float, float | None], ...] = (
            ("max-requests", self.requests + self.votes, budget.max_requests),
            ("max-tokens", tokens, budget.max_tokens),
            ("max-minutes", self.seconds / 60, budget.max_minutes),
            ("max-cost", self.cost(budget), budget.max_cost),
        )
        for name, value, limit in used:
            if limit is not None and value >= limit:
                return f"the budget is spent: --{name} {limit:g}"
        return None

"""What to ask for next: quotas, budgets and strategies."""

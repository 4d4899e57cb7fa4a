"""What the LLM is told: the template engine, and the templates themselves as data."""

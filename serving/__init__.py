"""vLLM's life cycle, the HTTP job service and the Ray run."""

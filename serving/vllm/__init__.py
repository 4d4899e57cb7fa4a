"""vLLM in a process of its own: chosen for, started, watched over and ended."""

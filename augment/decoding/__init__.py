"""A causal language model, decoded many answers at a time: what the engine `transformers` drives."""

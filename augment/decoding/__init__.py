"""A causal language model that decodes many answers at a time, for the engine `transformers`."""

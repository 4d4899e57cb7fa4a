"""The training of the language model in the box."""

"""The training of the toxicity model that the package brings: `python -m serving.toxicity`."""

"""How toxic a text is: a small model of our own, plain numbers, trained by `serving.toxicity`."""

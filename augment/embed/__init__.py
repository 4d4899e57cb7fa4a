"""Texts to unit vectors: a sentence encoder in a process of its own, each text once per run.

encoder.py   what a run asks: known texts from the store, the others from the worker
store.py     the vectors kept beside the journal
worker.py    the process, seen from the run
model.py     the sentence-transformers model, loaded in that process
static.py    the fast one, distilled from the one in the box and kept in the user's cache
places.py    what that model sees at places of a text: mentions, each in its sentence
knowledge.py does the encoder know the seeds' language and labels?
"""

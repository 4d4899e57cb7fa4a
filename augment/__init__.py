"""Grow a small labelled text corpus into a larger one that can be trusted."""

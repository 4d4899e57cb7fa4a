"""Mentions in texts: read and held to their text, found again, and in order."""

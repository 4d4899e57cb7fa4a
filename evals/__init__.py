"""Is the synthetic corpus good? What a run leaves for people to read."""

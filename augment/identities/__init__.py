"""Terms that name groups of people: found in texts, and exchanged with the grammar kept."""

"""Personal data in texts, found by pattern and checksum; nothing here asks a network."""

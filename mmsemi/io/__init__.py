"""Files: whole or not at all, read as data, and one run in a folder."""

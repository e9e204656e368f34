"""The page about a run on somebody's own images: facts first, then drawn."""

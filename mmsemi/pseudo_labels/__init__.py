"""The format of stored pseudo-labels: codes, statistics, store."""

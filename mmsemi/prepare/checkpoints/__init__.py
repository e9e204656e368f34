"""Checkpoints of published programs, under the names that mmsemi uses."""

"""Labels for a whole unlabeled set: passes over it, and the store.

Nothing in ``mmsemi.models`` or ``mmsemi.datasets`` imports from here.
"""

"""Labels for a whole unlabelled set: statistics, passes and the store.

Nothing in ``mmsemi.models`` or ``mmsemi.datasets`` imports from here.
"""

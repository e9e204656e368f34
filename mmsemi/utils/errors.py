class UsageError(RuntimeError):
    """Something the user can mend: a path, a list, an option.

    The message says what is wrong, where, and what to do. The commands
    under ``tools/`` print it without a traceback.
    """

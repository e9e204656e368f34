class UsageError(RuntimeError):
    """Something the user can mend: a path, a list, an option.

    The message says what is wrong, where, and what to do. The commands
    under ``tools/`` print it without a traceback.
    """


class WriteError(UsageError):
    """A file of ours cannot be written: no space, no permission.

    Code that goes on without one of its products passes this on: what comes
    next could not be written either.
    """


class TrainingFailed(UsageError):
    """A training that cannot go on: it has diverged or collapsed.

    Whoever chose its settings knows better than the training which of them
    to change.
    """

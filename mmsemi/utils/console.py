"""What a run says on the console, and what only its log file needs."""

import logging
from collections.abc import Sequence

from mmengine.dist import is_main_process

# Beginnings of messages that the progress bar and the table of rounds say
# in fewer words, and of long lists.
FILE_ONLY = (
    'Iter(',
    'Exp name:',
    'per class results',
    '\n+--',
    'Saving checkpoint',
    'Checkpoints will be saved to',
    'Loads checkpoint by ',
    'Hooks will be executed',
    'paramwise_options',
    'Config:\n',
    '\n------',
)
# Warnings no user can do anything about: one for each parameter of a teacher,
# which is never optimized, and what mmengine says of its own old names.
NOT_FOR_USERS = (
    'is skipped since its requires_grad=False',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias of',
    'The prefix is not set in metric class',
    'Distributed training is not used, all SyncBatchNorm',
)


class ConsoleFilter(logging.Filter):
    """Drop messages of level INFO that begin like one of those given.

    And those of ``NOT_FOR_USERS``, of any level.

    Args:
        beginnings: how they begin.
    """

    def __init__(self, beginnings: Sequence[str] = FILE_ONLY) -> None:
        super().__init__()
        self.beginnings = tuple(beginnings)

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if any(part in text for part in NOT_FOR_USERS):
            return False
        return record.levelno > logging.INFO or not text.startswith(
            self.beginnings
        )


class PlainFormatter(logging.Formatter):
    """Information without date, logger and level; the rest as before.

    Args:
        other: formatter of everything else.
    """

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self.other = other or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno == logging.INFO:
            return record.getMessage()
        return self.other.format(record)


def console_handlers(logger: logging.Logger) -> list[logging.Handler]:
    """Handlers that write to a terminal and not to a file."""
    return [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
    ]


def calm_console(logger: logging.Logger) -> None:
    """Leave the console to the important; log files get everything."""
    for handler in console_handlers(logger):
        if not any(isinstance(f, ConsoleFilter) for f in handler.filters):
            handler.addFilter(ConsoleFilter())
            handler.setFormatter(PlainFormatter(handler.formatter))


def restore_console(logger: logging.Logger) -> None:
    """Undo :func:`calm_console`."""
    for handler in console_handlers(logger):
        for calm in [
            f for f in handler.filters if isinstance(f, ConsoleFilter)
        ]:
            handler.removeFilter(calm)
        if isinstance(handler.formatter, PlainFormatter):
            handler.setFormatter(handler.formatter.other)


def announce(logger: logging.Logger, text: str) -> None:
    """Print to the console as it stands, and write to the log files."""
    if not is_main_process():
        return
    print(text, flush=True)
    record = logger.makeRecord(
        logger.name,
        logging.INFO,
        __file__,
        0,
        f'\n{text}' if '\n' in text else text,
        (),
        None,
    )
    for handler in set(logger.handlers) - set(console_handlers(logger)):
        if record.levelno >= handler.level:
            handler.handle(record)

"""Progress with time left: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mmengine.dist import is_main_process

T = TypeVar('T')


def format_seconds(seconds: float) -> str:
    """``75.2 -> '1 min 15 s'``; one or two units, for people."""
    seconds = int(round(seconds))
    if seconds < 60:
        return f'{seconds} s'
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f'{minutes} min {seconds} s' if seconds else f'{minutes} min'
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes} min' if minutes else f'{hours} h'


class Progress:
    """Progress of a known number of steps; silent on ranks other than 0.

    Args:
        total: number of steps.
        description: what is being done, in a few words.
        completed: steps already done, for work that was interrupted.
        bar: draw a bar; by default if standard output is a terminal.
            Otherwise a line is printed at every tenth of the work, and of
            work that takes no time the last alone.
    """

    # Seconds between two lines, but for the last.
    pause = 1.0

    def __init__(
        self,
        total: int,
        description: str,
        completed: int = 0,
        bar: bool | None = None,
    ) -> None:
        self.total = max(int(total), 1)
        self.description = description
        self.completed = self._first = completed
        self._start = self._said = time.perf_counter()
        self._tenth = 10 * completed // self.total
        self._redirected: list = []
        self._bar: Any = None  # of rich, which is imported when needed
        self._silent = not is_main_process()
        if bar is None:
            bar = sys.stdout.isatty()
        if bar and not self._silent:
            self._open_bar()

    def _open_bar(self) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn('{task.description}'),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
            TextColumn('{task.fields[note]}'),
            transient=True,
        )
        streams = {id(sys.stdout): 'stdout', id(sys.stderr): 'stderr'}
        self._bar.start()
        self._task = self._bar.add_task(
            self.description,
            total=self.total,
            completed=self.completed,
            note='',
        )
        # Log handlers keep the stream they were made with: lead them
        # through rich too, or their lines would be drawn into the bar.
        for logger in list(logging.root.manager.loggerDict.values()):
            for handler in getattr(logger, 'handlers', ()):
                name = streams.get(id(getattr(handler, 'stream', None)))
                if name is not None:
                    self._redirected.append((handler, handler.stream))
                    handler.setStream(getattr(sys, name))

    def update(self, completed: float, note: str = '') -> None:
        """Tell how many steps are done now.

        Args:
            completed: steps done, those before the start included; with a
                fraction where a part of the next one is done.
            note: a few words shown behind, such as the loss.
        """
        self.completed = int(completed)
        if self._silent:
            return
        if self._bar is not None:
            self._bar.update(self._task, completed=completed, note=note)
            return
        tenth = int(10 * completed // self.total)
        now = time.perf_counter()
        soon = now < self._said + self.pause and completed < self.total
        if tenth <= self._tenth or soon:
            return
        self._tenth, self._said = tenth, now
        spent = now - self._start
        share, state = 100, format_seconds(spent)
        if completed < self.total:  # what is not done is at 99 % at most
            share = min(round(100 * completed / self.total), 99)
            each = spent / (completed - self._first)
            state = f'{format_seconds(each * (self.total - completed))} left'
        print(
            f'{self.description}: {share:3d} % '
            f'({self.completed}/{self.total}), '
            f'{state}{", " * bool(note)}{note}',
            flush=True,
        )

    def close(self) -> None:
        """Remove the bar; may be called twice."""
        for handler, stream in self._redirected:
            handler.setStream(stream)
        self._redirected = []
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._silent = True

    def __enter__(self) -> 'Progress':
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def track(
    iterable: Iterable[T],
    total: int | None = None,
    description: str = 'working',
) -> Iterator[T]:
    """Iterate and show progress with the time left.

    Args:
        iterable: what to iterate over.
        total: number of items; ``len(iterable)`` by default.
        description: what is being done, in a few words.

    Yields:
        The items of ``iterable``.
    """
    if total is None:
        total = len(iterable)  # type: ignore[arg-type]
    with Progress(total, description) as progress:
        for count, item in enumerate(iterable, start=1):
            yield item
            progress.update(count)


def track_parts(
    iterable: Iterable[T], total: int, description: str
) -> Iterator[tuple[T, Callable[[int, int], None]]]:
    """As :func:`track`, for items of which one may take long.

    Yields:
        An item, and a function to tell it how many of its parts are done,
        and how many there are.
    """
    with Progress(total, description) as progress:
        for count, item in enumerate(iterable):

            def tell(done: int, parts: int, before: int = count) -> None:
                if done < parts:
                    note = f'window {done} of {parts}'
                    progress.update(before + done / parts, note)

            yield item, tell
            progress.update(count + 1)

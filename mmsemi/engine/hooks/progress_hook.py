"""How far a run is, and how long it will take."""

import atexit
import time

from mmengine.hooks import Hook

from mmsemi.registry import HOOKS
from mmsemi.utils.console import calm_console
from mmsemi.utils.progress import Progress, format_seconds


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show round, loss and time left while training.

    A bar per round on a terminal, a line per tenth of a round elsewhere,
    with the time left of the round and, where further rounds follow, of the
    whole run: what iterations took so far, validation included, and what
    came before each round, which is its labeling. Before anything was
    labeled nothing is said.

    Args:
        calm: leave mmengine's and mmseg's own lines (losses, tables of
            classes) to the log file.
        window: iterations over which the loss shown is averaged.
    """

    # After the hook that notes the losses.
    priority = 'LOW'

    def __init__(self, calm: bool = True, window: int = 20) -> None:
        self.calm = calm
        self.window = window
        self.progress: Progress | None = None

    def before_train(self, runner) -> None:
        """Start the clock."""
        if self.calm:
            calm_console(runner.logger)
        self.start, self.first = time.perf_counter(), runner.iter
        self.over = self.start  # the last round
        self.waited: list[float] = []  # for labels, and for the first round
        # A bar left open by an error hides the cursor.
        atexit.register(self.close)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Open the bar of a round."""
        if self.progress is not None:
            return
        self.waited.append(time.perf_counter() - self.over)
        begin, end = self._bounds(runner)
        loop, name = runner.train_loop, 'training'
        if hasattr(loop, 'num_rounds'):
            # Short: a terminal may have 80 columns.
            name = f'round {loop.round}/{loop.num_rounds}'
        self.progress = Progress(
            end - begin, name, completed=runner.iter - begin
        )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Move the bar."""
        done = runner.iter + 1
        begin, end = self._bounds(runner)
        self.progress.update(done - begin, self._note(runner, done))
        if done >= end:
            self.over = time.perf_counter()
            self.close()

    def after_train(self, runner) -> None:
        """Remove the bar; training may have been stopped early."""
        self.close()
        atexit.unregister(self.close)

    def close(self) -> None:
        """Remove the bar."""
        if self.progress is not None:
            self.progress.close()
            self.progress = None

    @staticmethod
    def _bounds(runner) -> tuple:
        """First and last (exclusive) iteration of the present round."""
        loop = runner.train_loop
        return (
            getattr(loop, 'round_begin', 0),
            getattr(loop, 'round_end', loop.max_iters),
        )

    def _note(self, runner, done: int) -> str:
        words = []
        if 'train/loss' in runner.message_hub.log_scalars:
            loss = runner.message_hub.get_scalar('train/loss').mean(
                self.window
            )
            words.append(f'loss {loss:.3f}')
        left = self._run_left(runner, done)
        if left is not None:
            words.append(f'run: {format_seconds(left)} left')
        return ', '.join(words)

    def _run_left(self, runner, done: int) -> float | None:
        """Seconds; None where it is not known, or that of the bar."""
        loop = runner.train_loop
        rounds = getattr(loop, 'num_rounds', 0) - getattr(loop, 'round', 0)
        labeled = self.waited[-1] if getattr(loop, 'round', 0) else 0
        if rounds <= 0 or not labeled:
            return None
        spent = time.perf_counter() - self.start - sum(self.waited)
        step = spent / (done - self.first)
        return step * (runner.max_iters - done) + labeled * rounds

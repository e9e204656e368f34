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
    with the time left of the round and of the whole run. The latter is
    reckoned from all that this start has done so far, labeling and
    validation included.

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
        # A bar left open by an error hides the cursor.
        atexit.register(self.close)

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Open the bar of a round."""
        if self.progress is not None:
            return
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
        if done < runner.max_iters:
            spent = time.perf_counter() - self.start
            left = spent / (done - self.first) * (runner.max_iters - done)
            words.append(f'run: {format_seconds(left)} left')
        return ', '.join(words)

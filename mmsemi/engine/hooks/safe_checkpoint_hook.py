"""Checkpoints of which one is whole at any instant."""

from math import isnan
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from mmsemi.io.files import write_text
from mmsemi.registry import HOOKS
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import TrainingFailed, UsageError

from ..checkpoint_files import CheckpointFiles, best_keys
from ..checkpoints import POINTER
from ..training_state import (
    checkpoint_bytes,
    not_finite,
    progress_of,
    repeat_validation,
)
from .divergence_hook import go_back_if_not_finite

# Iteration whose validation is over.
VALIDATED = 'mmsemi/validated'
# Metric of each best checkpoint, by where the message hub keeps that.
MEASURED = 'mmsemi/best_by'


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` for runs that may be killed any time.

    It differs in what that takes:

    - files are written beside, flushed to disk and renamed,
      ``last_checkpoint`` after the file it names, and older ones are removed
      only after that;
    - a checkpoint that follows a validation holds its figures. Where a run
      was stopped in a validation, that is repeated when it is resumed;
    - in rounds, one follows the validation of every round, so that a resumed
      run starts the next round and misses no figure of the last;
    - the best checkpoint named in a regular checkpoint always exists;
    - a state that is not finite is never saved;
    - all files lie in the work dir, and no other is ever removed.

    Args:
        interval: save every so many iterations, -1 for the end (and the ends
            of rounds) only.
        max_keep_ckpts: regular checkpoints to keep, -1 for all.
        save_best: metric (or metrics) of which the best checkpoint is kept,
            None for none.
        by_epoch: count ``interval`` in epochs, for an epoch-based loop.
        kwargs: see mmengine's ``CheckpointHook``.
    """

    def __init__(
        self,
        interval: int = -1,
        max_keep_ckpts: int = 1,
        save_best: str | list[str] | None = None,
        by_epoch: bool = False,
        **kwargs,
    ) -> None:
        for name in ('out_dir', 'filename_tmpl'):
            if kwargs.get(name) is not None:
                raise ValueError(
                    'a run finds its checkpoints by their names in its work '
                    f'dir: leave {name} out (--work-dir names the folder)'
                )
        super().__init__(
            interval=interval,
            by_epoch=by_epoch,
            max_keep_ckpts=max_keep_ckpts,
            save_best=save_best,
            **kwargs,
        )
        self.saved = 0  # iteration of the latest checkpoint
        self.step: int | None = None  # iteration whose step is under way
        self._old_best: list[str] = []

    def before_train(self, runner) -> None:
        """Find the files of this run, and look whether there is space."""
        hub = runner.message_hub
        # Those there are kept, whatever a checkpoint says.
        hub.runtime_info.pop('keep_ckpt_ids', None)
        super().before_train(runner)
        self.out_dir = runner.work_dir
        self.files = CheckpointFiles(self.out_dir, self.filename_tmpl)
        if self.save_best:
            # Of a folder that may have been copied or moved: only names count.
            for key in best_keys(self.key_indicators).values():
                path = hub.get_info(key)
                if path is not None:
                    hub.update_info(key, self.files.path(Path(str(path)).name))
        self.saved = runner.iter
        if is_main_process():
            self.files.remove_partial()
        on_main(self._check_space, runner)
        interruption = getattr(runner, 'interruption', None)
        if interruption is not None:
            interruption.busy = lambda: runner.iter == self.step
        repeat_validation(runner, runner.message_hub.get_info(VALIDATED))

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """From here to the end of the step the state is neither nor."""
        self.step = runner.iter

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Save when due or asked to stop; in rounds after a validation."""
        done = runner.iter + 1
        loop = runner.train_loop
        if hasattr(loop, 'round_end'):
            due = (
                self._due(done)
                and done != loop.round_end
                and not loop.validates_at(done)
            )
        else:
            due = not self.by_epoch and (
                self.every_n_train_iters(
                    runner, self.interval, self.save_begin
                )
                or (self.save_last and self.is_last_train_iter(runner))
            )
        wish = getattr(runner, 'interruption', None)
        stop = wish is not None and wish.first and wish.number is not None
        if due:
            self._save(runner, done)
        elif stop and not self.by_epoch:
            self._write_all(runner, done)  # the others may have left
        if stop:
            wish.check()

    def after_train_epoch(self, runner) -> None:
        """Save when due, in a loop that counts epochs."""
        if self.by_epoch and (
            self.every_n_epochs(runner, self.interval, self.save_begin)
            or (self.save_last and self.is_last_train_epoch(runner))
        ):
            done = runner.epoch + 1
            self._save(runner, done, dict(epoch=done, iter=runner.iter))

    def after_val_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Do not finish a long validation before stopping."""
        if getattr(runner, 'interruption', None) is not None:
            runner.interruption.check()

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Keep the best model, and save what the validation has found."""
        loop = runner.train_loop
        if isinstance(loop, dict):  # validation without training
            return
        done = runner.iter
        runner.message_hub.update_info(VALIDATED, done)
        best = self._update_best(runner, metrics or {})
        if hasattr(loop, 'round_end'):
            # The end of a round is saved by after_round, with its figures.
            if (best or self._due(done)) and done != loop.round_end:
                self._save(runner, done)
        elif not self.by_epoch and (
            best or (done == runner.max_iters and self.save_last)
        ):
            self._save(runner, done)

    def after_round(self, runner) -> None:
        """Save the state from which the next round begins."""
        self._save(runner, runner.iter)

    def after_train(self, runner) -> None:
        """Save what a run stopped early ends with."""
        if self.save_last and not self.by_epoch and runner.iter > self.saved:
            self._save(runner, runner.iter)
        super().after_train(runner)

    def on_interruption(self, runner) -> None:
        """Save where the run was stopped, if it is between two steps."""
        if (
            runner.iter > self.saved
            and runner.iter != self.step
            and not self.by_epoch
        ):
            self._write_all(runner, runner.iter)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse a state that is not finite: the last one stays."""
        name = not_finite(checkpoint['state_dict'])
        if name is not None:
            raise TrainingFailed(
                f'training has diverged: after iteration '
                f'{checkpoint["meta"]["iter"]} {name} is not finite. Start '
                'again with a lower learning rate; what was saved before is '
                'unchanged'
            )

    def _due(self, iteration: int) -> bool:
        return self.interval > 0 and iteration % self.interval == 0

    # Files.
    def _save(self, runner, step: int, meta: dict | None = None) -> None:
        """Save on the first process; all stop if that does not work."""
        go_back_if_not_finite(runner, step)
        self.last_ckpt = self.files.path(self.filename_tmpl.format(step))
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        on_main(self._write_all, runner, step, meta)
        self.saved = runner.iter if self.by_epoch else step

    def _write_all(self, runner, step: int, meta: dict | None = None) -> None:
        """Write, move the pointer, and only then remove what is old."""
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.files.path(name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        wish = getattr(runner, 'interruption', None)
        if wish is not None:
            wish.saving = True
        try:
            self.files.write(
                runner,
                name,
                meta or dict(epoch=runner.epoch, iter=step),
                self.save_optimizer,
                self.save_param_scheduler,
            )
            # A full path, as mmengine's own commands expect it. Ours look at
            # the name alone.
            write_text(runner.work_dir, POINTER, self.last_ckpt)
            if self.max_keep_ckpts > 0:
                self.files.keep(self.max_keep_ckpts, self.last_ckpt)
            # Former bests, which no checkpoint names any more.
            info = runner.message_hub.runtime_info.items()
            bests = {Path(str(v)).name for k, v in info if 'best_ckpt' in k}
            self.files.remove(set(self._old_best) - bests)
            self._old_best = []
        finally:
            if wish is not None:
                wish.saving = False
        self.saved = runner.iter if self.by_epoch else step

    # The best.
    def _update_best(self, runner, metrics: dict) -> bool:
        """Write the present model if it is the best so far."""
        if not self.save_best:
            return False
        if 'auto' in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics), 'auto')])
        hub, better = runner.message_hub, False
        measured = dict(hub.get_info(MEASURED, {}))
        for metric, key in best_keys(self.key_indicators).items():
            if metric not in metrics:
                raise UsageError(
                    f'save_best={metric!r} is not among the metrics '
                    f'{sorted(metrics)}. Name one of them in '
                    'default_hooks.checkpoint'
                )
            score = float(metrics[metric])
            score_key = key.replace('best_ckpt', 'best_score')
            before = hub.get_info(score_key)
            if measured.get(key, metric) != metric:
                before = None  # another was compared until the run stopped
            if isnan(score):  # nothing would be better than it ever after
                continue
            if before is not None and not self.is_better_than[metric](
                score, before
            ):
                continue
            step = self.filename_tmpl.format(
                runner.epoch if self.by_epoch else runner.iter
            )
            name = f'best_{metric}_{step}'.replace('/', '_')
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            on_main(self.files.write, runner, name, meta)
            if before is not None and hub.get_info(key):
                self._old_best.append(Path(hub.get_info(key)).name)
            hub.update_info(score_key, score)
            measured[key] = metric
            hub.update_info(MEASURED, measured)
            hub.update_info(key, self.files.path(name))
            runner.logger.info(f'best {metric} so far, {score:.2f}: {name}')
            better = True
        return better

    def _check_space(self, runner) -> None:
        """Stop now, not after hours, if the checkpoints do not fit."""
        _, end = progress_of(runner.train_loop)
        number = self.max_keep_ckpts
        if number <= 0:
            every = self.interval if self.interval > 0 else end
            number = max(end // max(every, 1), 1)
        self.files.check_space(
            checkpoint_bytes(runner), number, bool(self.save_best)
        )

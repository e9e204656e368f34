"""Checkpoints at the ends of rounds, never half-written."""

import os
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from mmsemi.registry import HOOKS


@HOOKS.register_module()
class RoundCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` for :class:`SelfTrainingLoop`.

    It differs in what a run that may be killed at any instant needs:

    - a checkpoint follows the validation of every round, so that a resumed
      run starts the next round and misses no figure of the last;
    - files are written under another name and renamed, ``last_checkpoint``
      too, and older ones are removed only after that;
    - the best checkpoint named in a regular checkpoint always exists.

    Args:
        interval: also save every so many iterations, -1 for rounds only.
        max_keep_ckpts: regular checkpoints to keep, -1 for all.
        save_best: metric of which the best checkpoint is kept, None for
            none. One metric; larger is better.
        kwargs: see mmengine's ``CheckpointHook``.
    """

    def __init__(
        self,
        interval: int = -1,
        max_keep_ckpts: int = 1,
        save_best: str | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            interval=interval,
            by_epoch=False,
            max_keep_ckpts=max_keep_ckpts,
            save_best=save_best,
            **kwargs,
        )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Save when due, unless a validation comes first."""
        done = runner.iter + 1
        loop = runner.train_loop
        if (
            self._due(done)
            and done != loop.round_end
            and not loop.validates_at(done)
        ):
            self._save(runner, done)

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Keep the best model, and save what waited for the validation."""
        if not hasattr(runner.train_loop, 'round_end'):
            return
        done = runner.iter
        # The end of a round is saved by after_round, with its figures.
        ends = done == runner.train_loop.round_end
        best = self._update_best(runner, metrics or {})
        if (best or self._due(done)) and not ends:
            self._save(runner, done)

    def after_round(self, runner) -> None:
        """Save the state from which the next round begins."""
        self._save(runner, runner.iter)

    def _due(self, iteration: int) -> bool:
        return self.interval > 0 and iteration % self.interval == 0

    def _save(self, runner, iteration: int) -> None:
        name = self.filename_tmpl.format(iteration)
        self.last_ckpt = str(Path(self.out_dir) / name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self._write(runner, name, iteration, whole=True)
        if not is_main_process():
            return
        pointer = Path(runner.work_dir) / 'last_checkpoint'
        partial = pointer.with_suffix('.partial')
        partial.write_text(self.last_ckpt)
        os.replace(partial, pointer)
        if self.max_keep_ckpts > 0:
            for path in self._saved()[: -self.max_keep_ckpts]:
                path.unlink()
        self._drop_old_best()

    def _saved(self) -> list:
        """Regular checkpoints in the work dir, the latest last."""
        before, after = self.filename_tmpl.split('{}')
        found = {}
        for path in Path(self.out_dir).glob(f'{before}*{after}'):
            number = path.name[len(before) : len(path.name) - len(after)]
            if number.isdigit():
                found[int(number)] = path
        last = Path(self.last_ckpt)
        # After a resume from an earlier checkpoint, later files may lie
        # there: what was written last is the latest.
        order = [found[k] for k in sorted(found) if found[k] != last]
        return order + [last]

    def _write(self, runner, name: str, iteration: int, whole: bool) -> None:
        partial = name + '.partial'
        runner.save_checkpoint(
            self.out_dir,
            partial,
            save_optimizer=whole and self.save_optimizer,
            save_param_scheduler=whole and self.save_param_scheduler,
            meta=dict(epoch=runner.epoch, iter=iteration),
            by_epoch=False,
            backend_args=self.backend_args,
        )
        if is_main_process():
            os.replace(Path(self.out_dir) / partial, Path(self.out_dir) / name)

    def _update_best(self, runner, metrics: dict) -> bool:
        """Write the present model if it is the best so far."""
        self._old_best = None
        if not self.save_best:
            return False
        key = (
            self.save_best[0]
            if isinstance(self.save_best, list)
            else self.save_best
        )
        if key not in metrics:
            raise KeyError(
                f'save_best={key!r} is not among the metrics {sorted(metrics)}'
            )
        hub = runner.message_hub
        score = float(metrics[key])
        if score <= hub.get_info('best_score', float('-inf')):
            return False
        name = f'best_{key}_iter_{runner.iter}.pth'.replace('/', '_')
        self._write(runner, name, runner.iter, whole=False)
        self._old_best = hub.get_info('best_ckpt')
        self.best_ckpt_path = str(Path(self.out_dir) / name)
        hub.update_info('best_score', score)
        hub.update_info('best_ckpt', self.best_ckpt_path)
        runner.logger.info(f'best {key} so far, {score:.2f}: {name}')
        return True

    def _drop_old_best(self) -> None:
        """Remove the former best, which no checkpoint names any more."""
        old = getattr(self, '_old_best', None)
        if old and old != self.best_ckpt_path:
            Path(old).unlink(missing_ok=True)
        self._old_best = None

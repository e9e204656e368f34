"""Checkpoints of which one is whole at any instant."""

import re
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.model import is_model_wrapper

from mmsemi.io.files import PARTIAL, cannot_write, inside, publish, write_text
from mmsemi.io.space import check_space
from mmsemi.registry import HOOKS
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import UsageError, WriteError

from ..checkpoints import POINTER

# Iteration whose validation is over.
VALIDATED = 'mmsemi/validated'
STATISTICS = ('running_mean', 'running_var')


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
        if kwargs.get('out_dir') is not None:
            raise ValueError(
                'checkpoints lie in the work dir, from which a run resumes: '
                'leave out_dir out and choose another --work-dir'
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

    def before_train(self, runner) -> None:
        """Find the files of this run, and look whether there is space."""
        hub = runner.message_hub
        # The files to keep are those that are there, whatever a checkpoint
        # says.
        hub.runtime_info.pop('keep_ckpt_ids', None)
        super().before_train(runner)
        self.out_dir = runner.work_dir
        if self.save_best:
            # Of a folder that may have been copied or moved: only names count.
            for key in self._best_keys().values():
                path = hub.get_info(key)
                if path is not None:
                    hub.update_info(key, self._path(Path(str(path)).name))
        self.saved = runner.iter
        if is_main_process():
            for path in Path(self.out_dir).glob(f'*.pth{PARTIAL}'):
                if self._is_ours(path.name.removesuffix(PARTIAL)):
                    path.unlink(missing_ok=True)
        on_main(self._check_space, runner)
        interruption = getattr(runner, 'interruption', None)
        if interruption is not None:
            interruption.busy = lambda: runner.iter == self.step

    def before_train_epoch(self, runner) -> None:
        """Catch up on a validation the run was stopped in."""
        loop = runner.train_loop
        done = runner.iter
        if (
            done
            and not self.by_epoch
            and not hasattr(loop, 'round_end')
            and self._validates(loop, done)
            and runner.message_hub.get_info(VALIDATED) != done
        ):
            runner.logger.info(f'validation after iteration {done}, again')
            runner.val_loop.run()

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
            raise UsageError(
                f'training has diverged: after iteration '
                f'{checkpoint["meta"]["iter"]} {name} is not finite. Start '
                'again with a lower learning rate; what was saved before is '
                'unchanged'
            )

    # When.
    def _due(self, iteration: int) -> bool:
        return self.interval > 0 and iteration % self.interval == 0

    @staticmethod
    def _validates(loop, done: int) -> bool:
        """Whether an iteration-based loop validates after an iteration."""
        return (
            loop.runner.val_loop is not None
            and done >= loop.val_begin
            and (done % loop.val_interval == 0 or done == loop.max_iters)
        )

    # Files.
    def _path(self, name: str) -> str:
        return str(Path(self.out_dir) / name)

    def _is_ours(self, name: str) -> bool:
        """Whether a file name is that of a checkpoint of this hook."""
        regular = re.escape(self.filename_tmpl).replace(r'\{\}', r'\d+')
        return bool(
            re.fullmatch(regular, name)
            or re.fullmatch(r'best_[^/\\]*\.pth', name)
        )

    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        self._save(runner, step, meta)

    def _save(self, runner, step: int, meta: dict | None = None) -> None:
        """Save on the first process; all stop if that does not work."""
        self.last_ckpt = self._path(self.filename_tmpl.format(step))
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        on_main(self._write_all, runner, step, meta)
        self.saved = runner.iter if self.by_epoch else step

    def _write_all(self, runner, step: int, meta: dict | None = None) -> None:
        """Write, move the pointer, and only then remove what is old."""
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self._path(name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        wish = getattr(runner, 'interruption', None)
        if wish is not None:
            wish.saving = True
        try:
            self._write(runner, name, step, whole=True, meta=meta)
            # A full path, as mmengine's own commands expect it. Ours look at
            # the name alone.
            write_text(runner.work_dir, POINTER, self.last_ckpt)
            if self.max_keep_ckpts > 0:
                for path in self._regular()[: -self.max_keep_ckpts]:
                    path.unlink(missing_ok=True)
            self._drop_old_best()
        finally:
            if wish is not None:
                wish.saving = False
        self.saved = runner.iter if self.by_epoch else step

    def _regular(self) -> list[Path]:
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

    def _write(
        self,
        runner,
        name: str,
        step: int,
        whole: bool,
        meta: dict | None = None,
    ) -> None:
        path = inside(self.out_dir, name)
        partial = path.with_name(path.name + PARTIAL)
        try:
            runner.save_checkpoint(
                self.out_dir,
                partial.name,
                save_optimizer=whole and self.save_optimizer,
                save_param_scheduler=whole and self.save_param_scheduler,
                meta=meta or dict(epoch=runner.epoch, iter=step),
                by_epoch=False,
            )
            publish(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise WriteError(cannot_write(path, error)) from error

    # The best.
    def _best_keys(self) -> dict[str, str]:
        """Where the message hub keeps the best checkpoint of each metric."""
        names = self.key_indicators
        if len(names) == 1:
            return {names[0]: 'best_ckpt'}
        return {name: f'best_ckpt_{name}' for name in names}

    def _update_best(self, runner, metrics: dict) -> bool:
        """Write the present model if it is the best so far."""
        self._old_best: list[str] = []
        self._new_best: list[str] = []
        if not self.save_best:
            return False
        if 'auto' in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics), 'auto')])
        hub, better = runner.message_hub, False
        for metric, key in self._best_keys().items():
            if metric not in metrics:
                raise UsageError(
                    f'save_best={metric!r} is not among the metrics '
                    f'{sorted(metrics)}. Name one of them in '
                    'default_hooks.checkpoint'
                )
            score = float(metrics[metric])
            score_key = key.replace('best_ckpt', 'best_score')
            before = hub.get_info(score_key)
            if before is not None and not self.is_better_than[metric](
                score, before
            ):
                continue
            step = self.filename_tmpl.format(
                runner.epoch if self.by_epoch else runner.iter
            )
            name = f'best_{metric}_{step}'.replace('/', '_')
            on_main(self._write, runner, name, runner.iter, False)
            if hub.get_info(key):
                self._old_best.append(Path(hub.get_info(key)).name)
            hub.update_info(score_key, score)
            hub.update_info(key, self._path(name))
            self._new_best.append(name)
            runner.logger.info(f'best {metric} so far, {score:.2f}: {name}')
            better = True
        return better

    def _drop_old_best(self) -> None:
        """Remove former bests, which no checkpoint names any more."""
        for name in getattr(self, '_old_best', []):
            if self._is_ours(name) and name not in self._new_best:
                (Path(self.out_dir) / name).unlink(missing_ok=True)
        self._old_best = []

    # Space and processes.
    def _check_space(self, runner) -> None:
        """Stop now, not after hours, if the checkpoints do not fit."""
        one = checkpoint_bytes(runner)
        number = self.max_keep_ckpts
        if number <= 0:
            number = max(runner.max_iters // max(self.interval, 1), 1)
            number = number if self.interval > 0 else 1
        present = sum(
            path.stat().st_size
            for path in Path(self.out_dir).glob('*.pth')
            if self._is_ours(path.name)
        )
        # One is written beside those to keep, the best beside the best.
        needed = one * (number + 1 + 2 * bool(self.save_best)) - present
        check_space(
            self.out_dir,
            needed,
            f'{number} checkpoints of {one / 2**20:.0f} MiB',
        )


def not_finite(state: dict[str, Any]) -> str | None:
    """Name of the first tensor in a state that training has spoiled.

    Weights and statistics must be finite. Other buffers may hold infinite
    values on purpose, such as thresholds of absent classes, but no NaN.
    """
    for name, value in state.items():
        if not torch.is_tensor(value) or not value.is_floating_point():
            continue
        buffer = not name.endswith(('weight', 'bias', *STATISTICS))
        wrong = value.isnan() if buffer else ~value.isfinite()
        if wrong.any():
            return name
    return None


def checkpoint_bytes(runner) -> int:
    """Size of a regular checkpoint: model, and what its optimizer keeps."""
    model = (
        runner.model.module
        if is_model_wrapper(runner.model)
        else (runner.model)
    )
    total = sum(
        value.numel() * value.element_size()
        for value in model.state_dict().values()
        if torch.is_tensor(value)
    )
    optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
    # SGD keeps one tensor for each parameter, Adam and its kind two.
    kept = 1 if isinstance(optimizer, torch.optim.SGD) else 2
    trained = sum(
        p.numel() * p.element_size()
        for p in model.parameters()
        if p.requires_grad
    )
    return total + kept * trained

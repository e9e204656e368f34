"""Move the teacher of a teacher-student segmentor."""

from collections.abc import Container

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.utils.compat import (
    batches_of_a_step,
    copy_tensors,
    lerp_tensors,
    writes_to,
)

from ..optimizers import single_wrappers

SCHEDULES = ('constant', 'inverse')
BUFFERS = ('copy', 'ema', 'own')


@HOOKS.register_module()
class MeanTeacherHook(Hook):
    """Exponential moving average of the student, after every optimizer step.

    teacher <- (1 - m) teacher + m student (Tarvainen and Valpola, NeurIPS
    2017), so a paper's decay d is m = 1 - d. With the schedule ``'inverse'``
    m = max(1 / (k + 1), momentum) at step k, which is min(1 - 1 / (k + 1), d)
    of U2PL and UniMatch V2: the first step copies. The teacher starts as a
    copy of the student, at iteration 0 of a run, checkpoints loaded before
    included. All follows from the iteration, so a resumed run goes on as if
    it had not stopped.

    With gradient accumulation the teacher moves only when the optimizer did,
    and k counts such steps.

    Args:
        momentum: weight m of the student; its lower end for ``'inverse'``.
        schedule: ``'constant'`` or ``'inverse'``.
        start_iter: iteration at which k is 0; by default the
            ``warmup_iters`` of the model.
        copy_until: before this iteration the teacher is a plain copy of the
            student; ``start_iter`` by default. U2PL with n iterations an
            epoch and S epochs of warm-up has ``start_iter = S n`` and
            ``copy_until = (S + 1) n``.
        buffers: of BatchNorm and the like: ``'copy'``, those of the student;
            ``'ema'``, averaged as well, integers copied (UniMatch V2);
            ``'own'``, left alone, for a teacher in train mode (U2PL).
    """

    # Before the hooks that log and save.
    priority = 'NORMAL'

    def __init__(
        self,
        momentum: float = 0.01,
        schedule: str = 'constant',
        start_iter: int | None = None,
        copy_until: int | None = None,
        buffers: str = 'copy',
    ) -> None:
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum must lie in [0, 1], got {momentum}')
        if schedule not in SCHEDULES:
            raise ValueError(
                f'schedule must be one of {SCHEDULES}, got {schedule!r}'
            )
        if buffers not in BUFFERS:
            raise ValueError(
                f'buffers must be one of {BUFFERS}, got {buffers!r}'
            )
        self.momentum = momentum
        self.schedule = schedule
        self.given_start, self.given_copy = start_iter, copy_until
        self.buffers = buffers
        # Frozen weights in which the teacher equals the student.
        self.still: dict[str, int] = {}
        self._begin(start_iter or 0)

    def _begin(self, start_iter: int) -> None:
        self.start_iter = start_iter
        self.copy_until = self.given_copy
        if self.copy_until is None:
            self.copy_until = start_iter
        if start_iter < 0 or self.copy_until < start_iter:
            raise ValueError(
                'copy_until comes before start_iter, or that '
                f'before 0: {self.copy_until}, {start_iter}'
            )

    def momentum_at(
        self, iteration: int, accumulative_counts: int = 1
    ) -> float:
        """Weight of the student after an iteration (from 0) of the run.

        Args:
            iteration: global iteration, at whose end the optimizer stepped.
            accumulative_counts: iterations for one step of the optimizer.
        """
        if iteration < self.copy_until:
            return 1.0
        if self.schedule == 'constant':
            return self.momentum
        step = (iteration - self.start_iter) // accumulative_counts
        return max(1 / (step + 1), self.momentum)

    def before_train(self, runner) -> None:
        """Start from the student, unless the run is resumed."""
        model = unwrapped(runner.model)
        if not hasattr(model, 'teacher') or not hasattr(model, 'student'):
            raise TypeError(
                'MeanTeacherHook needs a segmentor with teacher '
                f'and student, got {type(model).__name__}'
            )
        if self.given_start is None:
            self._begin(
                getattr(model, 'semi_train_cfg', {}).get('warmup_iters', 0)
            )
        if runner.iter == 0:
            model.sync_copy('teacher')
        model.teacher_follows = True
        self.still = equal_frozen(model.teacher, model.student)
        if (
            self.buffers == 'own'
            and model.semi_train_cfg.get('teacher_mode', 'train') == 'eval'
        ):
            runner.logger.warning(
                "MeanTeacherHook: with buffers='own' a teacher in eval mode "
                'keeps the statistics it started with; set '
                "semi_train_cfg.teacher_mode='train', or other buffers"
            )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Move the teacher if the optimizer has stepped."""
        optimizers = single_wrappers(runner.optim_wrapper)
        if not all(optimizer.should_update() for optimizer in optimizers):
            return
        model = unwrapped(runner.model)
        momentum = self.momentum_at(
            runner.iter, max(map(batches_of_a_step, optimizers))
        )
        if self.still:
            # What is trained or written to from now on moves for good.
            weights = all_weights(model.student)
            self.still = {
                name: version
                for name, version in self.still.items()
                if not weights[name].requires_grad
                and writes_to(weights[name]) == version
            }
        move_teacher(
            model.teacher, model.student, momentum, self.buffers, self.still
        )


def all_weights(network: nn.Module) -> dict[str, Tensor]:
    """Weights by all of their names.

    Modules may share one. In a copy they do, too, until it moves to another
    device.
    """
    return dict(network.named_parameters(remove_duplicate=False))


def equal_frozen(teacher: nn.Module, student: nn.Module) -> dict[str, int]:
    """Weights that are not trained and equal those of the teacher.

    Their average is what it is. Statistics of BatchNorm are none of these:
    they change without a gradient.

    Returns:
        Names, each with the student's count of writes to the weight.
    """
    weights = all_weights(student)
    return {
        name: writes_to(weights[name])
        for name, mine in teacher.named_buffers()
        if name in weights
        and not weights[name].requires_grad
        and torch.equal(mine, weights[name])
    }


@torch.no_grad()
def move_teacher(
    teacher: nn.Module,
    student: nn.Module,
    momentum: float,
    buffers: str = 'copy',
    still: Container[str] = (),
) -> None:
    """One step of the moving average, in place.

    Args:
        teacher: network to move, a :func:`frozen_copy` of the student.
        student: network to follow.
        momentum: weight of the student; 1 copies exactly.
        buffers: see :class:`MeanTeacherHook`.
        still: names of weights to pass over, see :func:`equal_frozen`.
    """
    weights = all_weights(student)
    student_buffers = dict(student.named_buffers(remove_duplicate=False))
    averaged, copied = [], []
    for name, mine in teacher.named_buffers():
        if name in still:
            continue
        if name in weights:
            averaged.append((mine, weights[name]))
        elif buffers == 'ema' and mine.is_floating_point():
            averaged.append((mine, student_buffers[name]))
        elif buffers != 'own':
            copied.append((mine, student_buffers[name]))
    if momentum == 1:
        copied, averaged = averaged + copied, []
    if copied:
        copy_tensors(*zip(*copied))
    if averaged:
        mine, theirs = map(list, zip(*averaged))
        lerp(mine, theirs, momentum)


def lerp(mine: list[Tensor], theirs: list[Tensor], weight: float) -> None:
    """``mine += weight (theirs - mine)``, reckoned in float32 at least."""
    low = [t.dtype in (torch.float16, torch.bfloat16) for t in mine]
    full = [k for k, is_low in enumerate(low) if not is_low]
    if full:
        lerp_tensors(
            [mine[k] for k in full], [theirs[k] for k in full], weight
        )
    for k, is_low in enumerate(low):
        if is_low:
            mine[k].copy_(
                torch.lerp(mine[k].float(), theirs[k].float(), weight)
            )

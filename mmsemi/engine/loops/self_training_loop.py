"""Rounds of self-training: label, train, validate, repeat."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from mmengine.runner import BaseLoop
from torch.utils.data import DataLoader, Dataset

from mmsemi.pseudo_labels.schedules import per_round_shares
from mmsemi.registry import DATASETS, LOOPS
from mmsemi.utils.compat import starting_weights

from ..optimizers import forget_moments
from .round_data import round_dataloader, semi_dataloader, wanted_loader
from .round_lengths import epoch_lengths, per_round, round_ends
from .round_start import (
    check_baseline,
    load_best,
    restart_schedules,
    scale_learning_rate,
    start_afresh,
)


@LOOPS.register_module()
class SelfTrainingLoop(BaseLoop):
    """Train in rounds, each with its own pseudo-labels.

    Round 0 trains on the labeled images alone (``train_dataloader``).
    Every later round calls the hooks' ``before_round``, in which
    ``PseudoLabelHook`` labels the unlabeled set, then trains on labeled
    and pseudo-labeled images (``semi_dataloader`` of the config), validates
    and calls ``after_round``. At the start of a round the learning rate
    starts again: ``param_scheduler`` of the config describes one round, and
    an ``end`` left out means its length.

    The loop says when, hooks say what. Its state is the iteration alone, so
    any checkpoint resumes: the present round follows from the iteration, and
    samplers skip what the round has already drawn.

    Args:
        runner: the runner.
        dataloader: labeled images only, for round 0.
        supervised_iters: length of round 0. With 0 the run starts from
            ``load_from``, a supervised baseline, which is validated first.
        portions: share of the pseudo-labels to keep in rounds 1, 2, ..., or
            arguments of ``mmsemi.pseudo_labels.schedules.portion_schedule``.
        iters_per_round: length of each round, or one number for all.
        epochs_per_round: the same in passes over the unlabeled set (and the
            labeled images that the sampler adds to it); give one of the two.
        start_from: what labels and starts a round: the ``'last'`` or the
            ``'best'`` model. ``'best'`` needs ``save_best`` of the checkpoint
            hook and validation data that may be used for selection. With
            ``'scratch'`` the last model labels, then a new one starts.
        reset_optimizer: forget momentum at the start of a round.
        lr_scale: learning rate of rounds 1, 2, ... relative to that of the
            optimizer config (and round 0); one number or one for each round.
        val_interval: validate every so many iterations of a round besides
            its end, where it always happens.
        val_begin: first iteration of a round at which to validate.

    Attributes:
        round: present round, 0 = labeled images only.
        num_rounds: number of rounds with pseudo-labels.
        labeled_by: the ``BatchPredictor`` behind the labels of a round, for
            the other hooks of ``before_round``; None at all other times.
    """

    def __init__(
        self,
        runner,
        dataloader: DataLoader | dict,
        supervised_iters: int,
        portions: dict | Sequence[float],
        iters_per_round: int | Sequence[int] | None = None,
        epochs_per_round: float | Sequence[float] | None = None,
        start_from: str = 'last',
        reset_optimizer: bool = True,
        lr_scale: float | Sequence[float] = 1.0,
        val_interval: int | None = None,
        val_begin: int = 1,
    ) -> None:
        if start_from not in ('last', 'best', 'scratch'):
            raise ValueError(
                "start_from must be 'last', 'best' or 'scratch', got "
                f'{start_from!r}'
            )
        super().__init__(runner, dataloader)
        self.portions = tuple(per_round_shares(portions))
        self.num_rounds = len(self.portions)
        # Shares of the source images, where the sampler leaves some out.
        sampler = runner.cfg.get('semi_dataloader', {}).get('sampler', {})
        self.source_portions = (
            per_round(
                per_round_shares(sampler['portions']),
                self.num_rounds,
                'portions of the sampler',
            )
            if 'portions' in sampler
            else None
        )
        self.start_from = start_from
        self.reset_optimizer = reset_optimizer
        self.lr_scales = (
            1.0,
            *per_round(lr_scale, self.num_rounds, 'lr_scale'),
        )
        if min(self.lr_scales) <= 0:
            raise ValueError(f'lr_scale must be positive, got {lr_scale}')
        if (iters_per_round is None) == (epochs_per_round is None):
            raise ValueError('give iters_per_round or epochs_per_round')
        if iters_per_round is None:
            iters_per_round = self._iterations(epochs_per_round)
        # Last iteration (exclusive) of every round.
        self.round_ends: list[int] = round_ends(
            supervised_iters,
            per_round(iters_per_round, self.num_rounds, 'iters_per_round'),
        )
        self.val_interval, self.val_begin = val_interval, val_begin
        self.stop_training = False
        self._iter = self._epoch = 0
        self._max_epochs = 1
        self.round = 0
        self.labeled_by = None
        self.runner.visualizer.dataset_meta = self.dataloader.dataset.metainfo

    def _iterations(self, epochs_per_round) -> list[int]:
        epochs = per_round(
            epochs_per_round, self.num_rounds, 'epochs_per_round'
        )
        lengths = epoch_lengths(
            semi_dataloader(self.runner.cfg),
            len(self.label_dataset),
            self.num_rounds,
            self.source_portions,
        )
        return [round(number * n) for number, n in zip(epochs, lengths)]

    @cached_property
    def label_dataset(self) -> Dataset:
        """The images that are labeled, read once for the whole run."""
        loader = wanted_loader(
            self.runner.cfg, 'label_dataloader', 'the images to label'
        )
        return DATASETS.build(loader['dataset'])

    # What hooks and the Runner ask for.
    @property
    def iter(self) -> int:
        """Iterations done since the start of the run."""
        return self._iter

    @property
    def epoch(self) -> int:
        """Always 0: the run is one epoch to mmengine's hooks."""
        return self._epoch

    @property
    def max_iters(self) -> int:
        """Iterations of all rounds together."""
        return self.round_ends[-1]

    @property
    def max_epochs(self) -> int:
        """See :attr:`epoch`."""
        return self._max_epochs

    @property
    def round_begin(self) -> int:
        """First iteration of the present round."""
        return self.round_ends[self.round - 1] if self.round else 0

    @property
    def round_end(self) -> int:
        """Iteration at which the present round is over."""
        return self.round_ends[self.round]

    @property
    def portion(self) -> float | None:
        """Share of pseudo-labels the present round keeps, None in round 0."""
        return self.portions[self.round - 1] if self.round else None

    def validates_at(self, iteration: int) -> bool:
        """Whether validation follows after so many iterations of the run."""
        if self.runner.val_loop is None:
            return False
        done = iteration - self.round_begin
        return iteration == self.round_end or bool(
            self.val_interval
            and done >= self.val_begin
            and done % self.val_interval == 0
        )

    # Training.
    def run(self):
        """Train all rounds that are not finished yet."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self.round_ends[0] == 0 and self._iter == 0:
            self._validate_baseline()
        self._catch_up()
        while self._iter < self.max_iters and not self.stop_training:
            self.round = bisect_right(self.round_ends, self._iter)
            self._train_round()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validate_baseline(self) -> None:
        """Round 0 is a finished baseline: measure where the run starts."""
        # A checkpoint made right here already holds the figures.
        if self.runner.message_hub.get_info('mmsemi/finished_round') == 0:
            return
        weights = starting_weights(self.runner)
        if not weights:
            raise ValueError(
                'supervised_iters=0 starts from a supervised baseline: set '
                'load_from to its checkpoint, or give round 0 iterations'
            )
        check_baseline(self.runner.model, weights)
        self._finish_round()

    def _catch_up(self) -> None:
        """Repeat the validation in which a run was stopped, if it was."""
        if not self._iter or self.runner.val_loop is None:
            return
        hub = self.runner.message_hub
        self.round = bisect_left(self.round_ends, self._iter)
        if self._iter == self.round_end:
            if hub.get_info('mmsemi/finished_round', -1) < self.round:
                self._finish_round()
        elif (
            self.validates_at(self._iter)
            and hub.get_info('mmsemi/validated') != self._iter
        ):
            self.runner.val_loop.run()

    def _train_round(self) -> None:
        fresh = self._iter == self.round_begin
        if fresh:
            self._start_round()
        if self.round:
            self.runner.call_hook('before_round')
            self.labeled_by = None
            if fresh and self.start_from == 'scratch':
                start_afresh(self.runner, self.round)
            self.dataloader = round_dataloader(self.runner, self.round)
        batches = self._batches(skip=self._iter - self.round_begin)
        while self._iter < self.round_end and not self.stop_training:
            self.runner.model.train()
            self._run_iter(next(batches))
            if self._iter < self.round_end and self.validates_at(self._iter):
                self.runner.val_loop.run()
        self._finish_round()

    def _start_round(self) -> None:
        """Model, optimizer and schedule as a round begins with them."""
        if self.round and self.start_from == 'best':
            load_best(self.runner, self.round)
        before = self.lr_scales[max(self.round - 1, 0)]
        scale_learning_rate(self.runner, self.lr_scales[self.round] / before)
        if self.round and self.reset_optimizer:
            forget_moments(self.runner.optim_wrapper)
        restart_schedules(self.runner, self.round_end - self.round_begin)

    def _batches(self, skip: int) -> Iterator:
        """Batches of the round, those already trained on left out."""
        sampler = self.dataloader.sampler
        if skip and hasattr(sampler, 'skip'):
            sampler.skip(skip * self.dataloader.batch_size)
            skip = 0
        batches = iter(self.dataloader)
        for _ in range(skip):
            next(batches)
        return batches

    def _run_iter(self, batch) -> None:
        runner = self.runner
        runner.call_hook(
            'before_train_iter', batch_idx=self._iter, data_batch=batch
        )
        outputs = runner.model.train_step(
            batch, optim_wrapper=runner.optim_wrapper
        )
        runner.call_hook(
            'after_train_iter',
            batch_idx=self._iter,
            data_batch=batch,
            outputs=outputs,
        )
        self._iter += 1

    def _finish_round(self) -> None:
        hub = self.runner.message_hub
        known = hub.get_info('mmsemi/validated') == self._iter
        if self.runner.val_loop and not (self.stop_training and known):
            self.runner.val_loop.run()
        hub.update_info('mmsemi/finished_round', self.round)
        self.runner.call_hook('after_round')

"""The first round learns from the labels of a model from elsewhere."""

import zlib
from pathlib import Path

from mmsemi.datasets.names import Names
from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.store import FILES, MANIFEST, PseudoLabelStore
from mmsemi.registry import HOOKS
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.stored_labels import (
    FilledLabelsPass,
    StoredLabelsPass,
)
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import UsageError

from .pseudo_label_hook import PseudoLabelHook


@HOOKS.register_module()
class OutsideLabelsHook(PseudoLabelHook):
    """Labels from elsewhere in round 1, those of the model itself later.

    ``mmsemi calibrate-masks`` writes the folder. It holds what is to be
    learned: round 1 takes all of it, so its portion must be 1. Nothing is
    written there, and when the work dir has the labels, a run goes on
    without it. With ``fill`` the labels serve the weights that made them
    alone: when others begin round 1, the folder is needed again.

    Args:
        labels: folder that ``mmsemi calibrate-masks`` has written.
        fill: where the folder has no label, round 1 learns the model's own,
            chosen from this share of the predictions of each class. With 0
            it learns nothing there.
        **kwargs: see :class:`PseudoLabelHook`.
    """

    def __init__(self, labels: str, fill: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        if type(fill) not in (int, float) or not 0 <= fill <= 1:
            raise ValueError(f'fill must be between 0 and 1, got {fill!r}')
        # As a float: its text is part of the settings, see there.
        self.labels, self.fill = Path(labels), float(fill)

    def before_train(self, runner) -> None:
        """Stop now where the labels do not serve."""
        super().before_train(runner)
        loop = runner.train_loop
        if loop.portions[0] != 1:
            raise UsageError(
                f'portions={loop.portions}: round 1 learns all labels of '
                f'{self.labels}. Let the first portion be 1.0'
            )
        if loop.iter >= loop.round_ends[1]:
            return  # round 1 is over
        self._refuse(on_main(self._unfit, runner))

    def _refuse(self, problem: str | None) -> None:
        if problem:
            raise UsageError(
                f'{self.labels}: {problem}. Write the labels with '
                '`mmsemi calibrate-masks`'
            )

    def _outside(self, runner) -> PseudoLabelStore:
        """The folder, which belongs to somebody else."""
        notes = self._store(runner).root / 'outside'
        return PseudoLabelStore(self.labels, notes=notes)

    def _unfit(self, runner) -> str | None:
        """Why round 1 finds no labels that serve the data set."""
        own = self._store(runner)
        taken = own.manifest(1) or {}
        known = self._has_settings(taken, runner, 1)
        if known and own.problem(1) is None:
            return None
        outside, dataset = (
            self._outside(runner),
            runner.train_loop.label_dataset,
        )
        problem = outside.problem(0)
        if problem:
            return problem
        classes = list(dataset.metainfo['classes'])
        given = (outside.manifest(0) or {}).get('classes')
        if given != classes:
            return f'its classes are {given}, those of the data {classes}'
        _, stems = FileTable.load(outside.folder(0) / FILES)
        known = set(Names(stems))
        missing = next((s for s in dataset.stems() if s not in known), None)
        if missing is not None:
            return f'it has no labels for the unlabeled image {missing}'
        return None

    def _settings(self, runner, round_index: int, rooted: bool = False) -> str:
        """Other labels from elsewhere are other settings of round 1."""
        found = super()._settings(runner, round_index, rooted)
        if round_index != 1:
            return found
        if self.fill:
            found = f'{found}-{self.fill}'
        manifest = self._outside(runner).folder(0) / MANIFEST
        if manifest.is_file():
            return f'{found}-{zlib.crc32(manifest.read_bytes()):08x}'
        # Gone: what was taken over is as good.
        taken = self._store(runner).manifest(1) or {}
        return f'{found}-{taken.get("settings", "").rpartition("-")[2]}'

    def _problem(self, store, loop, source) -> str | None:
        """Weights did not make the labels of round 1, or not all of them."""
        by_weights = loop.round > 1 or self.fill
        return super()._problem(store, loop, source if by_weights else None)

    def labeling_pass(self, runner, model, labeler, store) -> LabelingPass:
        """Of round 1 from disk, of later ones by the model."""
        if runner.train_loop.round > 1:
            return super().labeling_pass(runner, model, labeler, store)
        # Before what it would replace is removed: the folder may be gone, and
        # what was taken over before not serve other weights.
        self._refuse(on_main(self._outside(runner).problem, 0))
        arguments = (
            self.predictor(runner, model),
            self.label_loader(runner, runner.train_loop.label_dataset),
            labeler,
            store,
            self._outside(runner).folder(0),
        )
        if not self.fill:
            return StoredLabelsPass(*arguments, **self.pass_cfg)
        return FilledLabelsPass(*arguments, self.fill, **self.pass_cfg)

"""The first round learns from the labels of a model from elsewhere."""

import zlib
from pathlib import Path

from mmengine.config import Config

from mmsemi.pseudo_labels.file_table import FileTable
from mmsemi.pseudo_labels.store import FILES, MANIFEST, PseudoLabelStore
from mmsemi.registry import HOOKS
from mmsemi.self_training.labeling import LabelingPass
from mmsemi.self_training.stored_labels import StoredLabelsPass
from mmsemi.utils.dist import on_main
from mmsemi.utils.errors import UsageError

from .pseudo_label_hook import PseudoLabelHook


@HOOKS.register_module()
class OutsideLabelsHook(PseudoLabelHook):
    """Labels from elsewhere in round 1, those of the model itself later.

    ``mmsemi calibrate-masks`` writes the folder. It holds what is to be
    learned: round 1 takes all of it, so its portion must be 1.

    Args:
        labels: folder that ``mmsemi calibrate-masks`` has written.
        **kwargs: see :class:`PseudoLabelHook`.
    """

    def __init__(self, labels: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.outside = PseudoLabelStore(labels)

    def before_train(self, runner) -> None:
        """Stop now where the labels do not serve."""
        super().before_train(runner)
        loop = runner.train_loop
        if loop.portions[0] != 1:
            raise UsageError(
                f'portions={loop.portions}: round 1 learns all labels of '
                f'{self.outside.root}. Let the first portion be 1.0'
            )
        problem = on_main(self._unfit, loop.label_dataset)
        if problem:
            raise UsageError(
                f'{self.outside.root}: {problem}. Write the labels with '
                '`mmsemi calibrate-masks`'
            )

    def _unfit(self, dataset) -> str | None:
        """Why the folder does not serve a data set."""
        problem = self.outside.problem(0)
        if problem:
            return problem
        classes = list(dataset.metainfo['classes'])
        given = (self.outside.manifest(0) or {}).get('classes')
        if given != classes:
            return f'its classes are {given}, those of the data {classes}'
        _, stems = FileTable.load(self.outside.folder(0) / FILES)
        known = set(stems.decode().splitlines())
        missing = next((s for s in dataset.stems() if s not in known), None)
        if missing is not None:
            return f'it has no labels for the unlabeled image {missing}'
        return None

    def _settings(self, cfg: Config) -> str:
        """Other labels from elsewhere are other settings."""
        manifest = self.outside.folder(0) / MANIFEST
        return f'{super()._settings(cfg)}-{zlib.crc32(_bytes(manifest)):08x}'

    def labeling_pass(self, runner, model, labeler, store) -> LabelingPass:
        """Of round 1 from disk, of later ones by the model."""
        if runner.train_loop.round > 1:
            return super().labeling_pass(runner, model, labeler, store)
        return StoredLabelsPass(
            self.predictor(runner, model),
            self.label_loader(runner, runner.train_loop.label_dataset),
            labeler,
            store,
            self.outside.folder(0),
            **self.pass_cfg,
        )


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b''

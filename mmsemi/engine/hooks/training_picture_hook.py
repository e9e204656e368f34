"""Pictures of the unlabeled images that a student learns from."""

from pathlib import Path

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmsemi.engine.pictures import as_bytes, as_picture, show_picture
from mmsemi.models.segmentors.online import Record
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.report import draw_rounds
from mmsemi.report.facts import config_name
from mmsemi.utils.compat import normalizes, swaps_channels
from mmsemi.utils.labels import IGNORE

from .run_summary_hook import publish_file

FOLDER = 'pictures'
TITLES = dict(
    image='weak view',
    pseudo='labels of the weak view, paler where less sure',
    strong='strong view',
    mixed='mixed view',
    target='mixed labels, paler where they weigh less',
)


@HOOKS.register_module()
class TrainingPictureHook(Hook):
    """Draw ``work_dir/pictures/training_iter_<k>.png`` now and then.

    A row for each of the first unlabeled images of a batch: weak view, its
    labels, strong view, and the mixed view with its labels and weights as
    the loss of an ``OnlineSegmentor`` gets them (what a loss leaves out by
    itself, as AEL's does, is not seen). Of several strong views the first
    is shown; a method without any shows the weak view and its labels. The
    picture shows the very tensors of the iteration: nothing is computed
    again and no random number is drawn. How many labels are right is told
    where samples carry ``gt_audit``.

    The first and the last iteration are drawn, and every ``interval``-th;
    those of a warm-up are made up for as soon as unlabeled images take part.
    In all others the hook costs nothing. Of several processes the first
    draws. A picture that fails is a warning, never the end of a run.

    Args:
        interval: iterations from one picture to the next; 0 draws none.
        num_images: rows of a picture, at most.
    """

    # Behind MeanTeacherHook, before the summary names the file.
    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int = 500, num_images: int = 4) -> None:
        if interval < 0 or num_images < 1:
            raise ValueError(
                'interval must not be negative and num_images at least 1, '
                f'got {interval} and {num_images}'
            )
        self.interval = interval
        self.num_images = num_images
        self.due = False

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Ask the model for its records where a picture is due."""
        if not self.interval or not is_main_process():
            return
        iteration = runner.iter + 1
        if iteration in (1, runner.max_iters) or not iteration % self.interval:
            self.due = True
        if self.due:
            unwrapped(runner.model).recording = True

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Draw what the iteration has seen."""
        records = getattr(unwrapped(runner.model), 'records', None)
        if not self.due or not records or 'learned' not in records:
            return  # warm-up: later
        self.due = False
        try:
            self._draw(runner, records)
        except Exception as error:
            runner.logger.warning(
                f'no picture of iteration {runner.iter + 1}: '
                f'{type(error).__name__}: {error}'
            )

    def _draw(self, runner, records: dict[str, list[Record]]) -> None:
        model, number = unwrapped(runner.model), runner.iter + 1
        meta = runner.train_loop.dataloader.dataset.metainfo
        name = f'{FOLDER}/training_iter_{number}.png'
        rows = training_rows(records, model.data_preprocessor, self.num_images)
        titles = {
            key: title for key, title in TITLES.items() if key in rows[0]
        }
        if 'mixed' not in rows[0]:
            titles['target'] = 'labels, paler where they weigh less'
        picture = draw_rounds(
            Path(runner.work_dir) / name,
            rows,
            meta['classes'],
            meta['palette'],
            titles,
            heading=f'Unlabeled images in iteration {number}, '
            f'{config_name(runner.cfg)}',
        )
        publish_file(runner, 'training', name)
        show_picture(runner, 'training', picture, number)


def training_rows(
    records: dict[str, list[Record]], data_preprocessor, number: int
) -> list[dict]:
    """What :func:`mmsemi.report.draw_rounds` needs of a batch.

    Args:
        records: of an :class:`OnlineSegmentor`; the first strong view is
            shown, with its labels and what was learned from it.
        data_preprocessor: that of the model, which tells how images were
            normalized.
        number: rows at most.
    """
    first = {name: found[0] for name, found in records.items()}
    mixed = first.get('mixed', first.get('strong'))
    learned = belonging(records['learned'], mixed)
    weak = belonging(records['labeled'], first.get('strong', learned))
    rows = []
    for i in range(min(number, len(learned.targets))):
        sample = weak.samples[i]
        pseudo, right = as_bytes(weak.targets.labels[i]), ''
        valid = pseudo != IGNORE
        confidence = _floats(weak.targets.confidence[i])
        if 'gt_audit' in sample:
            right = _share_right(pseudo, sample.gt_audit.data[0])
        weights = _floats(learned.targets.weights[i])
        labels = as_bytes(learned.targets.labels[i])
        labels[weights <= 0] = IGNORE
        row = dict(
            image=picture_of(weak.images[i], data_preprocessor),
            pseudo=pseudo,
            confidence=confidence,
            target=labels,
            target_strength=weights.clip(0, 1),
            stem=Path(sample.get('img_path', '')).stem,
            captions=dict(
                pseudo='mean confidence '
                f'{confidence[valid].mean() if valid.any() else 0:.2f}'
                f'{right}',
                strong='',
                mixed='',
                target=f'{(labels != IGNORE).mean():.0%} have a weight',
            ),
        )
        for name in ('strong', 'mixed'):
            if name in first:
                row[name] = picture_of(
                    first[name].images[i], data_preprocessor
                )
        rows.append(row)
    return rows


def belonging(records: list[Record], to: Record | None) -> Record:
    """The record with the targets of another one; the first if none has.

    A method may label or learn from several views, in any order.
    """
    for record in records:
        if to is not None and record.targets is to.targets:
            return record
    return records[0]


def picture_of(image: Tensor, data_preprocessor) -> np.ndarray:
    """Undo the normalization of (B, H, W): (H, W, 3) uint8 RGB."""
    inner = getattr(data_preprocessor, 'data_preprocessor', data_preprocessor)
    image = image.detach().float()
    if normalizes(inner):
        image = image * inner.std + inner.mean
    return as_picture(image, not swaps_channels(inner))


def _share_right(labels: np.ndarray, truth: Tensor) -> str:
    """Words on how many labels are right, truth perhaps not padded."""
    truth = as_bytes(truth)
    labels = labels[: truth.shape[0], : truth.shape[1]]
    known = (labels != IGNORE) & (truth != IGNORE)
    if not known.any():
        return ''
    return f', {(labels == truth)[known].mean():.0%} right'


def _floats(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()

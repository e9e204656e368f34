"""Pictures of what the views of a zero-label segmentor labeled."""

import copy
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from mmsemi.engine.pictures import (
    as_bytes,
    as_picture,
    for_people,
    show_picture,
)
from mmsemi.registry import DATASETS, HOOKS, TRANSFORMS, is_type
from mmsemi.report import draw_views
from mmsemi.report.facts import config_name
from mmsemi.utils.labels import resize_labels

from .generator_refresh_hook import segmentor_of
from .run_summary_hook import publish_file

FOLDER = 'pictures'


@HOOKS.register_module()
class ViewPictureHook(Hook):
    """Draw ``work_dir/pictures/views_round_<k>.png`` as each round begins.

    A row for each of a few training images that are spread over the set and
    have unlabeled pixels: what is annotated, what the generator of the round
    makes of the unlabeled pixels in every view, and where all views agree,
    at the resolution that training uses. How many labels are right is told
    from ground truth that training never sees.

    Images run as they are validated, without augmentation; no draw of the
    training changes by it. A picture that fails is a warning, never the end
    of a run.

    Args:
        num_images: rows of the picture.
    """

    # Behind GeneratorRefreshHook.
    priority = 'LOW'

    def __init__(self, num_images: int = 4) -> None:
        self.num_images = num_images

    def before_train(self, runner) -> None:
        """Draw where the whole run is one round."""
        if not hasattr(runner.train_loop, 'round_begin') and not runner.iter:
            self._try(runner, 1)

    def before_round(self, runner) -> None:
        """Draw as a round begins."""
        loop = runner.train_loop
        if loop.iter == loop.round_begin:
            self._try(runner, loop.round)

    def _try(self, runner, number: int) -> None:
        if not is_main_process():
            return
        try:
            with for_people():
                self._draw(runner, number)
        except Exception as error:
            runner.logger.warning(
                f'no picture of the views of round {number}'
                f': {type(error).__name__}: {error}'
            )

    def _draw(self, runner, number: int) -> None:
        model = segmentor_of(runner)
        given, truth = training_images(runner.cfg)
        rows: list[dict] = []
        for index in spread(len(given), 4 * self.num_images):
            row = view_row(model, given[index], truth[index])
            if row['candidates'].any():
                row['stem'] = Path(row.pop('path')).stem
                rows.append(row)
            if len(rows) == self.num_images:
                break
        if not rows:
            raise ValueError('none of the images has an unlabeled pixel')
        name = f'{FOLDER}/views_round_{number}.png'
        picture = draw_views(
            Path(runner.work_dir) / name,
            rows,
            given.metainfo['classes'],
            given.metainfo['palette'],
            view_names(model.views),
            heading=f'Unlabeled pixels at the start of round {number}, '
            f'{config_name(runner.cfg)}',
        )
        publish_file(runner, f'views {number}', name)
        show_picture(runner, 'views', picture, runner.iter)


def spread(total: int, number: int) -> list[int]:
    """Some indices all over a range, in an order that begins wide apart."""
    indices = np.linspace(0, total - 1, min(number, total)).round().astype(int)
    order = np.argsort(np.arange(len(indices)) * 0.618034 % 1, kind='stable')
    return indices[order].tolist()


def training_images(cfg) -> tuple:
    """Training images with their labels, and with the whole ground truth.

    The transforms are those of validation, so that images are not augmented.

    Returns:
        Two datasets with the same images in the same order.
    """
    loader = cfg.get('semi_dataloader') or cfg.train_dataloader
    hide = _step(loader.dataset.pipeline)
    datasets = []
    for evaluate in (False, True):
        pipeline = copy.deepcopy(cfg.val_dataloader.dataset.pipeline)
        pipeline[pipeline.index(_step(pipeline))] = dict(
            hide, evaluate=evaluate
        )
        part = dict(copy.deepcopy(loader.dataset), pipeline=pipeline)
        datasets.append(DATASETS.build(part))
    return tuple(datasets)


def _step(pipeline: list) -> dict:
    for step in pipeline:
        if is_type(step, TRANSFORMS, 'MapZeroLabels'):
            return step
    raise ValueError('no MapZeroLabels in the pipeline')


@torch.no_grad()
def view_row(model, given: dict, truth: dict) -> dict:
    """What :func:`draw_views` needs of one image.

    Args:
        model: a ``ZeroLabelSegmentor``.
        given: packed item with the labels of training.
        truth: the same image with the whole ground truth.
    """
    data = model.data_preprocessor(pseudo_collate([given]), False)
    images, labels = data['inputs'], given['data_samples'].gt_sem_seg.data
    full = truth['data_samples'].gt_sem_seg.data
    head = model.student.decode_head
    if head.loss_resolution == 'logits':
        size = model.unseen_logits(images).shape[-2:]
        labels, full = resize_labels(labels, size), resize_labels(full, size)
    labels = labels.long().to(images.device)
    # Scales may be drawn at random; training must not notice.
    with torch.random.fork_rng(devices=[]):
        seen = model.examine(images, labels)
    votes = seen.views.argmax(2)[:, 0] + head.num_seen
    return dict(
        image=as_picture(given['inputs']),
        labels=as_bytes(labels[0]),
        candidates=seen.unlabeled[0].cpu().numpy(),
        views=as_bytes(votes),
        agreed=as_bytes(seen.agreed[0]),
        truth=as_bytes(full[0]),
        path=given['data_samples'].img_path,
    )


def view_names(views) -> tuple[str, ...]:
    """Titles of the views in their order."""
    scales = (
        ('a random scale', 'another random scale')
        if views.random
        else tuple(f'{scale:g} times the size' for scale in views.scales)
    )
    names: list[str] = []
    for scale in ('as it is', *scales):
        names.append(scale)
        if views.mirror:
            names.append(
                'mirrored' if scale == 'as it is' else f'{scale}, mirrored'
            )
    return tuple(names)

"""Seen, unseen and harmonic IoU."""

from collections.abc import Sequence

import numpy as np
from mmengine.logging import MMLogger, print_log
from prettytable import PrettyTable

from mmsemi.registry import METRICS

from .class_iou import IoUMetric, class_areas, score_classes

# Family of the scores: name without a group, name of its harmonic mean.
FAMILIES = dict(aAcc='hAcc_pixel', mAcc='hAcc', fwIoU='hIoU_fw', mIoU='hIoU')


def harmonic_mean(seen: float, unseen: float) -> float:
    """Harmonic mean, 0 when either is 0 or not known."""
    if not (seen > 0 and unseen > 0):
        return 0.0
    return float(2 / (1 / seen + 1 / unseen))


def zero_label_scores(
    intersection: np.ndarray,
    prediction: np.ndarray,
    label: np.ndarray,
    num_seen: int,
    absent: str = 'skip_unless_predicted',
) -> dict[str, float]:
    """Scores of SPNet's evaluation (Xian et al., CVPR 2019) from counts.

    Args:
        intersection: (C,) pixels of each class that are right.
        prediction: (C,) pixels predicted as each class.
        label: (C,) pixels of each class in the ground truth.
        num_seen: the first classes are seen.
        absent: what becomes of a class without ground truth in the mean IoU.
            ``'skip_unless_predicted'``: left out, but 0 if it is predicted
            anywhere, as published. ``'skip'``: left out.

    Returns:
        In [0, 1], NaN where a group has no ground truth: ``aAcc`` (pixel
        accuracy), ``mAcc``, ``fwIoU`` (IoU weighted by the share of *all*
        pixels, so that seen + unseen = all) and ``mIoU``, each also with
        ``_seen`` and ``_unseen``, and the harmonic means of these two,
        ``hIoU`` for the mIoU. ``IoU`` and ``Acc`` are (C,) arrays.
    """
    if absent not in ('skip_unless_predicted', 'skip'):
        raise ValueError(
            f"absent must be 'skip_unless_predicted' or 'skip', got {absent!r}"
        )
    hit, predicted, truth = (
        np.asarray(a, np.float64) for a in (intersection, prediction, label)
    )
    with np.errstate(divide='ignore', invalid='ignore'):
        iou = hit / (truth + predicted - hit)
        accuracy = hit / truth
        weighted = np.nan_to_num(truth / truth.sum() * iou)
    if absent == 'skip':
        iou = np.where(truth > 0, iou, np.nan)
    groups = {
        '': slice(None),
        '_seen': slice(0, num_seen),
        '_unseen': slice(num_seen, None),
    }
    scores: dict[str, float] = dict(IoU=iou, Acc=accuracy)
    for suffix, group in groups.items():
        total = truth[group].sum()
        scores['aAcc' + suffix] = (
            float(hit[group].sum() / total) if total else float('nan')
        )
        scores['mAcc' + suffix] = _mean(accuracy[group])
        scores['fwIoU' + suffix] = float(weighted[group].sum())
        scores['mIoU' + suffix] = _mean(iou[group])
    for family, name in FAMILIES.items():
        scores[name] = harmonic_mean(
            scores[f'{family}_seen'], scores[f'{family}_unseen']
        )
    return scores


def _mean(values: np.ndarray) -> float:
    """Mean of what is known, NaN (without a warning) if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float('nan')


@METRICS.register_module()
class GeneralizedZeroLabelMetric(IoUMetric):
    """IoU of seen and of unseen classes, and their harmonic mean.

    Counts are those of mmseg's ``IoUMetric``, summed in float64; ground
    truth outside 0..C-1, such as 254 = unlabeled, is not counted. The
    groups follow the order of the classes: seen first. Results in percent:
    ``mIoU``, ``mIoU_seen``, ``mIoU_unseen``, ``hIoU``, ``aAcc`` and ``mAcc``,
    with ``all_scores`` all of :func:`zero_label_scores`.

    The prefix tells the protocol: figures on images and labels warped to
    513x513 (``prefix='warped-513'``) and on images of their own size
    (``prefix='native'``) are not comparable.

    (The published evaluation, run as one process, adds pixels of class 0
    that are always right. This one does not.)

    Args:
        num_seen: the first classes are seen; by default what the dataset
            says, ``metainfo=dict(num_seen=...)``.
        absent: see :func:`zero_label_scores`.
        all_scores: report every score.
        unseen_only: count pixels of unseen classes alone (zero-label
            segmentation, not generalized). Predictions are restricted to
            these classes by ``gamma=1`` of the decode head.
        **kwargs: see mmseg's ``IoUMetric``.
    """

    def __init__(
        self,
        num_seen: int | None = None,
        absent: str = 'skip_unless_predicted',
        all_scores: bool = False,
        unseen_only: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        zero_label_scores(np.ones(1), np.ones(1), np.ones(1), 1, absent)
        self.num_seen = num_seen
        self.absent = absent
        self.all_scores = all_scores
        self.unseen_only = unseen_only

    def seen(self) -> int:
        """How many of the classes are seen.

        Raises:
            ValueError: when neither the metric nor the dataset says it.
        """
        classes = len(self.dataset_meta['classes'])
        number = self.num_seen
        if number is None:
            number = self.dataset_meta.get('num_seen')
        if number is None or not 0 < number <= classes:
            raise ValueError(
                f'{type(self).__name__}: num_seen={number} of {classes} '
                'classes. Give it to the metric, or to the dataset by '
                'metainfo=dict(classes=..., num_seen=...)'
            )
        return number

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count a batch; see mmseg's ``IoUMetric``."""
        self.seen()  # an error now rather than after the last image
        super().process(data_batch, data_samples)

    def intersect_and_union(
        self, pred_label, label, num_classes: int, ignore_index: int
    ) -> tuple:
        """mmseg's counts; labels that are no class count as ignored."""
        first = self.seen() if self.unseen_only else 0
        outside = (label < first) | (label >= num_classes)
        return super().intersect_and_union(
            pred_label,
            label.masked_fill(outside, ignore_index),
            num_classes,
            ignore_index,
        )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores in percent, rounded as mmseg does; logs the classes."""
        if self.format_only:
            return super().compute_metrics(results)
        areas = class_areas(results)
        classes = self.dataset_meta['classes']
        hit, _, predicted, truth = areas
        scores = zero_label_scores(
            hit, predicted, truth, self.seen(), self.absent
        )
        iou, accuracy = scores.pop('IoU'), scores.pop('Acc')
        unknown = np.isnan(np.asarray(iou))
        self.class_scores = score_classes(areas, classes)._replace(
            left_out=[c for c, is_nan in zip(classes, unknown) if is_nan]
        )
        self._log_classes(iou, accuracy)
        names = ['aAcc', 'mAcc', 'mIoU', 'mIoU_seen', 'mIoU_unseen', 'hIoU']
        if self.unseen_only:
            names = names[:3]
        elif self.all_scores:
            names = list(scores)
        return {name: round(100 * scores[name], 2) for name in names}

    def _log_classes(self, iou: np.ndarray, accuracy: np.ndarray) -> None:
        num_seen = self.seen()
        table = PrettyTable(['Class', 'Group', 'IoU', 'Acc'])
        table.align['Class'] = 'l'
        rows: list[tuple] = list(
            zip(self.dataset_meta['classes'], 100 * iou, 100 * accuracy)
        )
        for k, (name, *values) in enumerate(rows):
            group = 'seen' if k < num_seen else 'unseen'
            table.add_row([name, group, *(f'{v:.2f}' for v in values)])
        protocol = f' ({self.prefix})' if self.prefix else ''
        print_log(
            f'per class results{protocol}:\n{table.get_string()}',
            MMLogger.get_current_instance(),
        )

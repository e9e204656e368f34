"""Seen, unseen and harmonic IoU for every calibration at once."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import MMLogger
from torch import Tensor

from mmsemi.registry import METRICS
from mmsemi.utils.console import announce

from .generalized_zero_label import (
    GeneralizedZeroLabelMetric,
    zero_label_scores,
)

# 0, 0.05, ..., 1.
GAMMAS = tuple(round(0.05 * k, 2) for k in range(21))
COLUMNS = ('mIoU_seen', 'mIoU_unseen', 'hIoU', 'mIoU', 'aAcc')


def calibrated_labels(
    probabilities: Tensor, num_seen: int, gammas: Sequence[float]
) -> Tensor:
    """Predictions at every calibration, from one map of probabilities.

    The argmax of p - gamma [c is seen] is the best seen class where its
    score is at least that of the best unseen one (SPNet, Xian et al., CVPR
    2019, equation 6): the two are looked for once.

    Args:
        probabilities: (C, H, W) float, seen classes first.
        num_seen: number of seen classes, at least 1.
        gammas: G calibrations.

    Returns:
        (G, H, W) int64.
    """
    seen, seen_label = probabilities[:num_seen].max(0)
    if num_seen == len(probabilities):
        return seen_label.expand(len(gammas), *seen_label.shape)
    unseen, unseen_label = probabilities[num_seen:].max(0)
    steps = torch.as_tensor(
        gammas, dtype=probabilities.dtype, device=probabilities.device
    )
    return torch.where(
        seen - steps[:, None, None] >= unseen,
        seen_label,
        unseen_label + num_seen,
    )


@METRICS.register_module()
class CalibrationSweepMetric(GeneralizedZeroLabelMetric):
    """Scores of a model at many calibrations, from one inference pass.

    Needs plain logits (``gamma=0`` in the decode head). Results hold
    ``hIoU`` and ``gamma``, those of the best harmonic mean; the table of all
    is printed, logged and kept in ``rows``.

    Args:
        gammas: calibrations, subtracted from the probabilities of seen
            classes.
        **kwargs: see :class:`GeneralizedZeroLabelMetric`.

    Attributes:
        rows: after evaluation, the scores (in percent) of each gamma.
    """

    def __init__(self, gammas: Sequence[float] = GAMMAS, **kwargs) -> None:
        super().__init__(**kwargs)
        if not len(gammas) or min(gammas) < 0:
            raise ValueError(
                f'gammas are one or more numbers of at least 0, got {gammas}'
            )
        self.gammas = sorted(set(float(g) for g in gammas))
        self.rows: list[dict[str, float]] = []

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count a batch at every gamma."""
        num_seen = self.seen()
        classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            logits = sample['seg_logits']['data'].float()
            label = sample['gt_sem_seg']['data'].squeeze(0).to(logits.device)
            predictions = calibrated_labels(
                logits.softmax(0), num_seen, self.gammas
            )
            counts = [
                self.intersect_and_union(
                    prediction, label, classes, self.ignore_index
                )
                for prediction in predictions
            ]
            # (G, C) of each kind of count.
            self.results.append(
                tuple(torch.stack(kind) for kind in zip(*counts))
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The best calibration, and its harmonic mean in percent."""
        hit, _, predicted, truth = (
            np.sum([counts.double().numpy() for counts in column], axis=0)
            for column in zip(*results)
        )
        self.rows = []
        for k, gamma in enumerate(self.gammas):
            scores = zero_label_scores(
                hit[k], predicted[k], truth[k], self.seen(), self.absent
            )
            self.rows.append(
                dict(
                    {name: round(100 * scores[name], 2) for name in COLUMNS},
                    gamma=gamma,
                )
            )
        best = max(self.rows, key=lambda row: row['hIoU'])
        unseen = ', '.join(self.dataset_meta['classes'][self.seen() :])
        announce(
            MMLogger.get_current_instance(),
            f'unseen classes: {unseen}; protocol: '
            f'{self.prefix or "no name"}\n{sweep_table(self.rows)}',
        )
        return dict(hIoU=best['hIoU'], gamma=best['gamma'])


def sweep_table(rows: Sequence[dict[str, float]]) -> str:
    """Markdown of a sweep; the best harmonic mean is bold."""
    best = max(row['hIoU'] for row in rows)
    lines = [
        '| gamma | ' + ' | '.join(COLUMNS) + ' |',
        '| --: |' + ' --: |' * len(COLUMNS),
    ]
    for row in rows:
        values = [f'{row[name]:.2f}' for name in COLUMNS]
        if row['hIoU'] == best:
            values[2] = f'**{values[2]}**'
        lines.append(f'| {row["gamma"]:g} | ' + ' | '.join(values) + ' |')
    return '\n'.join(lines)

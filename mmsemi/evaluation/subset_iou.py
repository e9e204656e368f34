"""Means of IoU over some of the classes."""

from collections.abc import Sequence

import numpy as np

from mmsemi.registry import METRICS

from .class_iou import IoUMetric, class_iou


@METRICS.register_module()
class SubsetIoUMetric(IoUMetric):
    """mIoU over all classes and over some of them, from one evaluation.

    SYNTHIA -> Cityscapes is reported over 16 classes and over 13 of them; a
    model of 19 classes compares with both. Every mean is one of the same
    IoUs, so predictions of other classes count as errors in each.

    Args:
        subsets: class names by the name of the mean, such as
            ``dict(mIoU13=['road', ...])``.
        absent: what a class counts that is neither predicted nor in the
            labels: ``'nan'`` leaves it out of the means, as mmseg does,
            ``'zero'`` is 0, as in the code of CBST and CRST.
        **kwargs: see mmseg's ``IoUMetric``.
    """

    def __init__(
        self, subsets: dict[str, Sequence[str]], absent: str = 'nan', **kwargs
    ) -> None:
        if absent not in ('nan', 'zero'):
            raise ValueError(f"absent must be 'nan' or 'zero', got {absent!r}")
        taken = [name for name in subsets if name in ('mIoU', 'mAcc', 'aAcc')]
        empty = [name for name, classes in subsets.items() if not classes]
        if taken or empty:
            raise ValueError(
                f'subsets: {(taken + empty)[0]} '
                + ('is a mean of all classes' if taken else 'has no class')
            )
        super().__init__(nan_to_num=0 if absent == 'zero' else None, **kwargs)
        self.subsets = {name: list(part) for name, part in subsets.items()}

    # Set when the loops are built: better then than at the first validation.
    @IoUMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        """Classes of the data set, which must hold those of all subsets."""
        IoUMetric.dataset_meta.fset(self, dataset_meta)
        classes = list((dataset_meta or {}).get('classes', []))
        for name, part in self.subsets.items():
            unknown = sorted(set(part) - set(classes))
            if classes and unknown:
                raise ValueError(
                    f'subset {name} of SubsetIoUMetric names {unknown}, which '
                    f'are no classes of the data set: {classes}'
                )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Metrics of mmseg and the mean of each subset, in percent."""
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        iou = class_iou(results)
        if self.nan_to_num is not None:
            iou = np.nan_to_num(iou, nan=self.nan_to_num)
        classes = list(self.dataset_meta['classes'])
        for name, part in self.subsets.items():
            chosen = iou[[classes.index(c) for c in part]]
            chosen = chosen[~np.isnan(chosen)]
            mean = chosen.mean() if len(chosen) else np.nan
            metrics[name] = np.round(100 * mean, 2)
        return metrics

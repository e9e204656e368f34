"""Labels of data sets in which some classes have a name only."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from mmsemi.registry import TRANSFORMS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE, UNLABELED


def zero_label_table(
    file_classes: Sequence[str],
    classes: Sequence[str],
    num_seen: int,
    background: str = 'unlabeled',
    merge_ignore: bool = False,
    evaluate: bool = False,
) -> np.ndarray:
    """(256,) uint8 training or evaluation id of every id of a mask file.

    See :class:`MapZeroLabels` for the arguments.

    Raises:
        UsageError: when names do not fit one another.
    """
    classes, file_classes = list(classes), list(file_classes)
    _check_names(file_classes, classes)
    if not (0 if evaluate else 1) <= num_seen <= len(classes):
        raise UsageError(
            f'num_seen={num_seen} of {len(classes)} classes: at '
            'least one class is seen'
        )
    if background not in ('unlabeled', 'ignore'):
        raise UsageError(
            f"background must be 'unlabeled' or 'ignore', got {background!r}"
        )
    id_of: dict[str, int] = {name: k for k, name in enumerate(file_classes)}
    table = np.full(256, IGNORE, dtype=np.uint8)
    if evaluate:
        for index, name in enumerate(classes):
            table[id_of[name]] = index
        return table
    has_background = classes[0] == 'background'
    if has_background:
        # Nothing in training tells unseen objects from background.
        unlabeled = 0
    else:
        unlabeled = UNLABELED
        if merge_ignore:
            table[:] = UNLABELED
        if background == 'unlabeled' and 'background' in id_of:
            table[id_of['background']] = UNLABELED
    for index, name in enumerate(classes):
        table[id_of[name]] = index if index < num_seen else unlabeled
    check_no_unseen(table, num_seen)
    return table


def _check_names(file_classes: Sequence[str], classes: Sequence[str]) -> None:
    for names in (file_classes, classes):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UsageError(
                f'class {", ".join(twice)} is named twice. A '
                'class is seen or unseen, not both'
            )
    missing = [name for name in classes if name not in file_classes]
    if missing:
        raise UsageError(
            f'no id in the mask files for {", ".join(missing)}: file_classes '
            'lists the names of ids 0, 1, ...; use these names in `classes`'
        )
    if 'background' in classes[1:]:
        raise UsageError("'background' as a class comes first in `classes`")
    if not classes or len(file_classes) > UNLABELED:
        raise UsageError(
            f'{len(classes)} classes of {len(file_classes)} in '
            f'the files: 1 to {UNLABELED} are possible'
        )


def check_no_unseen(labels: np.ndarray, num_seen: int) -> None:
    """Refuse training labels in which an unseen class survives.

    Args:
        labels: any shape, integers.
        num_seen: seen classes are 0..num_seen - 1.

    Raises:
        UsageError: naming the ids.
    """
    wrong = labels[(labels >= num_seen) & (labels < UNLABELED)]
    if wrong.size:
        raise UsageError(
            f'training labels hold id {sorted(set(wrong.tolist()))}, but '
            f'only 0..{num_seen - 1} are seen classes ({UNLABELED} = '
            f'unlabeled, {IGNORE} = ignore). Map the labels with '
            'MapZeroLabels, and only once'
        )


@TRANSFORMS.register_module()
class MapZeroLabels(BaseTransform):
    """Map the ids of a mask file to the classes of zero-label segmentation.

    Classes are ordered seen first, then unseen. In training (SPNet, Xian et
    al., CVPR 2019; STRICT, Pastore et al., CVPR-W 2021):

    ==================  ======================  =======================
    file                ``classes`` without     ``classes`` begin with
                        background              background
    ==================  ======================  =======================
    seen class          its index               its index
    unseen class        254 = unlabeled        0
    background          254, or 255             0
    class not listed    255 = ignore            255
    void (255), other   255                     255
    ==================  ======================  =======================

    Put it behind everything that pads, last but packing: with
    ``merge_ignore`` padding is then merged as well. It needs the ids of the
    file, so datasets must not renumber (``BaseSegDataset`` with
    ``metainfo=dict(classes=...)`` does not; classes of mmseg with
    ``METAINFO`` do). The metric does not count 254, so that training labels
    in a validation set do no harm there but drop its unseen classes.

    Args:
        file_classes: names of ids 0, 1, ... of the mask files.
        classes: names of the seen, then of the unseen classes.
            ``'background'`` in front makes it a seen class.
        num_seen: how many of ``classes`` are seen, background included.
        background: ``'unlabeled'`` or ``'ignore'``; of no effect where
            background is a class.
        merge_ignore: treat void, padding and classes that are not listed as
            unlabeled too, as the published code does. Of no effect where
            background is a class: void is ignored there.
        evaluate: labels of validation: position in ``classes``, 255 for
            everything else. With the unseen names alone as ``classes``,
            plain zero-label segmentation is evaluated.

    Raises:
        UsageError: when names do not fit one another, or the dataset has
            renumbered the ids.
    """

    def __init__(
        self,
        file_classes: Sequence[str],
        classes: Sequence[str],
        num_seen: int,
        background: str = 'unlabeled',
        merge_ignore: bool = False,
        evaluate: bool = False,
    ) -> None:
        self.table = zero_label_table(
            file_classes, classes, num_seen, background, merge_ignore, evaluate
        )
        self.num_seen = num_seen
        self.evaluate = evaluate

    def transform(self, results: dict) -> dict:
        if results.get('label_map') or results.get('reduce_zero_label'):
            raise UsageError(
                f'{results.get("seg_map_path")}: the dataset has renumbered '
                'the ids of the file (label_map or reduce_zero_label), so '
                'unseen classes cannot be found. Use type=BaseSegDataset, '
                'and leave the numbering to MapZeroLabels'
            )
        results['gt_seg_map'] = self.table[results['gt_seg_map']]
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_seen={self.num_seen}, '
            f'evaluate={self.evaluate})'
        )

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor
from mmseg.models.data_preprocessor import SegDataPreProcessor

from mmsemi.ops.samples import around_same_maps, contents
from mmsemi.registry import MODELS
from mmsemi.utils.compat import normalizes, swaps_channels


@MODELS.register_module()
class BandsDataPreprocessor(SegDataPreProcessor):
    """mmseg's preprocessor for any number of bands, where it takes 1 or 3.

    Args:
        mean, std: one number for each band.
        **settings: see ``SegDataPreProcessor``.
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], **settings: Any
    ) -> None:
        super().__init__(**settings)
        for name, values in (('mean', mean), ('std', std)):
            values = torch.tensor(values, dtype=torch.float32)
            self.register_buffer(name, values.view(-1, 1, 1), persistent=False)
        self._enable_normalize = True


@MODELS.register_module()
class MultiBranchDataPreprocessor(BaseDataPreprocessor):
    """Apply one data preprocessor to every branch of a batch.

    Decides by the type of the inputs, not by ``training``: a dict of
    branches is processed branch by branch, with absent samples (None) left
    out and empty branches dropped; anything else passes to the inner
    preprocessor unchanged, as in validation, testing and labeling. Views
    that are one and the same are moved and normalized once.

    Args:
        data_preprocessor: config of the inner one, an mmseg
            ``SegDataPreProcessor`` as a rule.
    """

    def __init__(self, data_preprocessor: dict | None = None) -> None:
        super().__init__()
        self.data_preprocessor = MODELS.build(
            dict(data_preprocessor or dict(type='BaseDataPreprocessor'))
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalize and stack images, see the class.

        Args:
            data: collated batch, ``inputs`` and ``data_samples`` being
                lists, or dicts of lists with one key per branch.

        Returns:
            A dict of the same structure, with one tensor (N, 3, H, W)
            instead of each list of images.
        """
        inputs = data['inputs']
        if not isinstance(inputs, dict):
            return self.data_preprocessor(data, training)
        samples = data.get('data_samples') or {}
        result: dict = dict(inputs={}, data_samples={})
        parts = {}
        for branch, images in inputs.items():
            present = [i for i, x in enumerate(images) if x is not None]
            if not present:
                continue
            parts[branch] = dict(inputs=[images[i] for i in present])
            if samples.get(branch) is not None:
                parts[branch]['data_samples'] = [
                    samples[branch][i] for i in present
                ]
        twins = self._twins(parts)
        for branch, part in parts.items():
            if branch in twins:
                for values in result.values():
                    values[branch] = values[twins[branch]]
                result['data_samples'][branch] = [
                    around_same_maps(sample)
                    for sample in result['data_samples'][branch]
                ]
                continue
            made = at_once(self.data_preprocessor, part) if training else None
            part = made or self.data_preprocessor(part, training)
            for sample in part.get('data_samples') or []:
                pad_pixel_maps(sample)
            result['inputs'][branch] = part['inputs']
            result['data_samples'][branch] = part.get('data_samples')
        if not result['inputs']:
            raise ValueError(
                f'no branch of {list(inputs)} holds any sample: let the '
                'training pipelines end with MultiBranch'
            )
        return result

    def _twins(self, parts: dict[str, dict]) -> dict[str, str]:
        """Branches of the tensors of an earlier one, and which that is."""
        if getattr(self.data_preprocessor, 'batch_augments', None) is not None:
            return {}  # random ones
        first: dict[tuple, str] = {}
        twins = {}
        for branch, part in parts.items():
            if 'data_samples' not in part:
                continue
            tensors = list(part['inputs'])
            for sample in part['data_samples']:
                tensors += contents(sample)
            found = first.setdefault(tuple(map(id, tensors)), branch)
            if found != branch:
                twins[branch] = found
        return twins


def at_once(inner: BaseDataPreprocessor, data: dict) -> dict | None:
    """What mmseg's preprocessor makes of images that need no padding.

    It takes them one by one and copies each six times; all at once take an
    eighth of the time on a CPU. The numbers are the same.

    Args:
        inner: with its settings.
        data: images and samples of a branch, for training.

    Returns:
        None where there is more to do.
    """
    images, samples = data['inputs'], data.get('data_samples')
    shape, size = images[0].shape, getattr(inner, 'size', None)
    if (
        type(inner) not in (SegDataPreProcessor, BandsDataPreprocessor)
        or inner.batch_augments is not None
        or samples is None
        or size is None
        or len(shape) != 3
        or any(image.shape != shape for image in images)
        or any(now < asked for now, asked in zip(shape[1:], size, strict=True))
    ):
        return None
    if inner.device.type != 'cpu':
        data = inner.cast_data(data)
    order = list(range(shape[0]))
    if swaps_channels(inner) and shape[0] == 3:
        order.reverse()
    stacked = torch.stack([x[k] for x in data['inputs'] for k in order])
    stacked = stacked.view(-1, *shape)
    if normalizes(inner):
        stacked = torch.sub(stacked, inner.mean).div_(inner.std)
    else:
        stacked = stacked.float()
    for sample in data['data_samples']:
        labels = sample.get('gt_sem_seg')
        sample.set_metainfo(
            dict(
                img_shape=shape[1:],
                pad_shape=None if labels is None else labels.shape,
                padding_size=(0, 0, 0, 0),
            )
        )
    return dict(inputs=stacked, data_samples=data['data_samples'])


def pad_pixel_maps(sample) -> None:
    """Bring confidence and soft label of a sample to the size of its labels.

    ``stack_batch`` pads labels only, at the right and the bottom.
    """
    for name in ('gt_confidence', 'gt_soft_label'):
        if name not in sample or 'gt_sem_seg' not in sample:
            continue
        field = sample.get(name)
        values = field.data
        height, width = sample.gt_sem_seg.shape[-2:]
        pad = (0, width - values.shape[-1], 0, height - values.shape[-2])
        if any(pad):
            # PixelData refuses a map of another size beside the old one.
            del field.data
            field.data = F.pad(values.to(torch.float32), pad)

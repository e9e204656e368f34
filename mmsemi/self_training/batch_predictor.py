"""Class probabilities of whole images, as the labeling pass needs them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.class_weights import undo_class_weights
from mmsemi.models.wrappers import unwrapped


class Prediction(NamedTuple):
    """Probabilities of a batch.

    Attributes:
        probabilities: (N, C, H, W) float32, sums to one over C.
        boxes: for every image the part that is image and not padding, as
            (top, bottom, left, right).
    """

    probabilities: Tensor
    boxes: list[tuple[int, int, int, int]]

    def crop(self, index: int) -> tuple[int, slice, slice]:
        """Where the image of that index is in (N, H, W) maps."""
        top, bottom, left, right = self.boxes[index]
        return index, slice(top, bottom), slice(left, right)

    def valid(self) -> Tensor | None:
        """(N, H, W) bool, False on padding; None when nothing is padded."""
        n, _, height, width = self.probabilities.shape
        if all(box == (0, height, 0, width) for box in self.boxes):
            return None
        mask = torch.zeros(
            n,
            height,
            width,
            dtype=torch.bool,
            device=self.probabilities.device,
        )
        for k, (top, bottom, left, right) in enumerate(self.boxes):
            mask[k, top:bottom, left:right] = True
        return mask


class BatchPredictor:
    """Run a segmentor in evaluation mode over batches of whole images.

    mmseg's own ``predict`` resizes to the original image; labels must stay
    on the grid the pipeline made, so this works on logits. (For image files
    there is :class:`mmsemi.apis.inference.Predictor`.)

    Args:
        model: a segmentor of mmsemi or mmseg, possibly wrapped for DDP.
        flip: also predict the mirrored images and average probabilities.
        scales: sizes relative to the input at which to predict; probabilities
            are averaged at input size.
        amp: ``'float16'`` or ``'bfloat16'`` runs the network in mixed
            precision. Probabilities are float32 in any case.
        class_weight: (C,) weights of the classes in the loss the network was
            trained with. Such a network predicts rare classes too often, its
            probabilities being proportional to ``weight * posterior``; they
            are divided by the weights.
    """

    def __init__(
        self,
        model: nn.Module,
        flip: bool = False,
        scales: Sequence[float] = (1.0,),
        amp: str | None = None,
        class_weight: Tensor | None = None,
    ) -> None:
        if not scales or min(scales) <= 0:
            raise ValueError(f'scales must be positive, got {scales}')
        self.model = unwrapped(model)
        # Ours wrap an ordinary segmentor; mmseg's own are one.
        self.segmentor = getattr(self.model, 'predictor', self.model)
        self.flip = flip
        self.scales = tuple(scales)
        self.dtype = getattr(torch, amp) if amp else None
        self.class_weight = class_weight

    @staticmethod
    def equal_sizes(batch: dict) -> Iterator[tuple[list[int], dict]]:
        """Parts of a collated batch whose images have one size.

        Padding the smaller ones would change what is predicted near their
        borders, and make it depend on their neighbors in the batch.

        Yields:
            Places in the batch, and a batch of these images.
        """
        groups: dict[tuple, list[int]] = {}
        for place, image in enumerate(batch['inputs']):
            groups.setdefault(tuple(image.shape), []).append(place)
        if len(groups) == 1:
            yield list(range(len(batch['inputs']))), batch
            return
        for places in groups.values():
            yield (
                places,
                {
                    key: [values[place] for place in places]
                    for key, values in batch.items()
                },
            )

    def prepare(self, batch: dict) -> tuple[Tensor, list]:
        """Collated batch -> normalized images (N, 3, H, W), boxes."""
        data = self.model.data_preprocessor(batch, False)
        inputs = data['inputs']
        height, width = inputs.shape[-2:]
        boxes = []
        for sample in data['data_samples']:
            left, right, top, bottom = sample.metainfo.get(
                'img_padding_size', (0, 0, 0, 0)
            )
            boxes.append((top, height - bottom, left, width - right))
        return inputs, boxes

    def __call__(self, batch: dict) -> Prediction:
        """Predict one batch of the labeling loader."""
        inputs, boxes = self.prepare(batch)
        size = inputs.shape[-2:]
        total, views = 0, 0
        for scale in self.scales:
            view = (
                inputs
                if scale == 1
                else resize(
                    inputs,
                    self._scaled(size, scale),
                    mode='bilinear',
                    align_corners=False,
                )
            )
            total = total + self._view(view, size)
            views += 1
            if self.flip:
                total = total + self._view(view.flip(3), size).flip(3)
                views += 1
        return Prediction(total / views, boxes)

    def _scaled(self, size: Sequence[int], scale: float) -> list[int]:
        """Height and width of a view, multiples of what the network needs."""
        before = self.model.data_preprocessor
        before = getattr(before, 'data_preprocessor', before)
        settings = getattr(before, 'test_cfg', None) or {}
        step = settings.get('size_divisor') or 1
        return [max(round(side * scale / step), 1) * step for side in size]

    def _view(self, inputs: Tensor, size) -> Tensor:
        """Probabilities (N, C, *size) of one view."""
        shape = inputs.shape[-2:]
        metas = [
            dict(
                img_shape=shape,
                ori_shape=shape,
                pad_shape=shape,
                padding_size=[0] * 4,
            )
            for _ in inputs
        ]
        with self.autocast(inputs):
            logits = self.segmentor.inference(inputs, metas)
        probabilities = self.softmax(logits)
        if shape != size:
            probabilities = resize(
                probabilities, size, mode='bilinear', align_corners=False
            )
        return probabilities

    def softmax(self, logits: Tensor) -> Tensor:
        """Float32 probabilities under the classes' own frequencies."""
        logits = logits.float()
        if self.class_weight is not None:
            logits = undo_class_weights(logits, self.class_weight)
        return logits.softmax(1)

    def autocast(self, inputs: Tensor):
        """Mixed precision for the network, if asked for."""
        return torch.autocast(
            inputs.device.type, self.dtype, enabled=self.dtype is not None
        )

    # Compact logits: what the head gives, before up-sampling.
    def low_resolution(self, inputs: Tensor) -> Tensor:
        """Logits (N, C, h, w) in half precision at the head's own stride."""
        with self.autocast(inputs):
            features = self.segmentor.extract_feat(inputs)
            logits = self.segmentor.decode_head(features)
        return logits.half()

    def from_low_resolution(self, logits: Tensor, size) -> Tensor:
        """Probabilities (N, C, *size) from :meth:`low_resolution`."""
        return self.softmax(
            resize(
                logits.float(),
                size,
                mode='bilinear',
                align_corners=self.segmentor.align_corners,
            )
        )

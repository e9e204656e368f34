from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models.utils import resize
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from mmsemi.models.decode_heads import SemanticEmbeddingHead
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import UNLABELED

from .batch import join_images
from .semi_base import SemiSegmentor, heads


@MODELS.register_module()
class SPNet(SemiSegmentor):
    """Zero-label segmentation trained on the annotated pixels.

    Xian et al., "Semantic Projection Network for Zero- and Few-Label
    Semantic Segmentation", CVPR 2019. The network sees each image at
    several scales; the loss is the sum of those of every scale and of the
    element-wise maximum of the logits, brought to the size of the first.

    Pixels labeled 254 (unlabeled) or 255 have no effect. Auxiliary heads
    learn from the annotated pixels of the unscaled images.

    Args:
        student: config of an mmseg segmentor whose decode head is a
            :class:`SemanticEmbeddingHead`.
        data_preprocessor: see :class:`SemiSegmentor`.
        semi_train_cfg: ``scales`` besides 1, ``(0.5, 0.75)`` by default;
            none for the plain loss.
        semi_test_cfg: ``predict_on``, and ``scales`` besides 1 of which the
            maximum of the logits predicts, none by default.
        init_cfg: initialization of the wrapper, rarely needed.
    """

    train_defaults = dict(scales=(0.5, 0.75))
    test_defaults = dict(predict_on='student', scales=())

    def __init__(
        self,
        student: dict,
        data_preprocessor: dict | None = None,
        semi_train_cfg: dict | None = None,
        semi_test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            student, data_preprocessor, semi_train_cfg, semi_test_cfg, init_cfg
        )
        if not isinstance(self.student.decode_head, SemanticEmbeddingHead):
            raise TypeError(
                f'{type(self).__name__} needs a SemanticEmbeddingHead, got '
                f'{type(self.student.decode_head).__name__}'
            )
        mode = (self.student.test_cfg or {}).get('mode', 'whole')
        if self.semi_test_cfg['scales'] and mode != 'whole':
            raise ValueError(
                'semi_test_cfg.scales works on whole images, '
                f'and test_cfg.mode is {mode!r}'
            )
        self._labels_checked = False

    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> dict[str, Tensor]:
        """Losses of one batch.

        Args:
            inputs: images (N, 3, H, W), or those of each branch.
            data_samples: N ``SegDataSample`` with ``gt_sem_seg``, or those
                of each branch.
        """
        images, samples, labels = self.unpack(inputs, data_samples)
        head = self.student.decode_head
        feats = self.student.extract_feat(images)
        scales = tuple(self.semi_train_cfg['scales'])
        outputs = [head.train_logits(feats)] + [
            head.train_logits(self.student.extract_feat(scaled(images, p)))
            for p in scales
        ]
        names = ['decode'] + [f'scale_{p:g}' for p in scales]
        if scales:
            outputs.append(merge_scales(outputs, head.align_corners))
            names.append('scale_max')
        losses: dict[str, Tensor] = {}
        for name, logits in zip(names, outputs):
            for key, value in head.loss_by_labels(logits, labels).items():
                if 'loss' in key or name == 'decode':
                    losses[f'{name}.{key}'] = value
        losses.update(self.auxiliary_losses(feats, samples))
        return losses

    def unpack(self, inputs, data_samples) -> tuple[Tensor, list, Tensor]:
        """Images, samples and labels (N, H, W) of all branches together."""
        if isinstance(inputs, dict):
            data_samples = [s for b in inputs for s in data_samples[b]]
            inputs = join_images(inputs)
        labels = torch.stack(
            [s.gt_sem_seg.data[0] for s in data_samples]
        ).long()
        if not self._labels_checked:
            # Once, since it waits for the device.
            self.check_labels(labels)
            self._labels_checked = True
        return inputs, data_samples, labels

    def check_labels(self, labels: Tensor) -> None:
        """Refuse annotations of unseen classes.

        Raises:
            UsageError: naming the labels found.
        """
        num_seen = self.student.decode_head.num_seen
        wrong = labels[(labels >= num_seen) & (labels < UNLABELED)]
        if wrong.numel():
            raise UsageError(
                f'training labels hold {sorted(set(wrong.tolist()))}, but '
                f'only 0..{num_seen - 1} are seen classes: map unseen '
                f'classes to {UNLABELED} and void to 255 when loading'
            )

    def auxiliary_losses(self, feats, samples: list) -> dict[str, Tensor]:
        """Losses of auxiliary heads on annotated pixels, if any."""
        labeled = [annotated(sample) for sample in samples]
        losses: dict[str, Tensor] = {}
        for name, head in heads(self.student)[1:]:
            found = head.loss(feats, labeled, self.student.train_cfg)
            losses.update(add_prefix(found, name))
        return losses

    def predict(self, inputs: Tensor, data_samples: list | None = None):
        """Predictions at the original size, from all scales."""
        scales = self.semi_test_cfg['scales']
        if not scales:
            return super().predict(inputs, data_samples)
        if data_samples is None:
            size = tuple(inputs.shape[-2:])
            metas = [
                dict(ori_shape=size, img_shape=size, pad_shape=size)
            ] * len(inputs)
        else:
            metas = [sample.metainfo for sample in data_samples]
        logits = self.decode_head.predict_by_feat(self._forward(inputs), metas)
        return self.predictor.postprocess_result(logits, data_samples)

    def _forward(self, inputs: Tensor, data_samples: list | None = None):
        outputs = [
            self.predictor._forward(scaled(inputs, p))
            for p in (1, *self.semi_test_cfg['scales'])
        ]
        return merge_scales(outputs, self.align_corners)


def scaled(images: Tensor, scale: float) -> Tensor:
    """Images (N, 3, H, W) resized to the whole part of scale x size."""
    if scale == 1:
        return images
    size = [int(length * scale) for length in images.shape[-2:]]
    return F.interpolate(
        images, size=size, mode='bilinear', align_corners=False
    )


def merge_scales(outputs: Sequence[Tensor], align_corners: bool) -> Tensor:
    """Element-wise maximum of logits at the size of the first."""
    merged = outputs[0]
    for logits in outputs[1:]:
        merged = torch.maximum(
            merged,
            resize(
                logits,
                size=merged.shape[-2:],
                mode='bilinear',
                align_corners=align_corners,
            ),
        )
    return merged


def annotated(sample: SegDataSample) -> SegDataSample:
    """The sample with unlabeled pixels ignored, for heads of mmseg."""
    labels = sample.gt_sem_seg.data
    copy = SegDataSample(metainfo=sample.metainfo)
    copy.gt_sem_seg = PixelData(
        data=labels.masked_fill(labels == UNLABELED, 255)
    )
    return copy

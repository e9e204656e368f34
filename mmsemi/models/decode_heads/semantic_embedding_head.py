from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.decode_heads.class_embeddings import load_class_embeddings
from mmsemi.ops.maps import max_over_classes
from mmsemi.registry import MODELS
from mmsemi.utils.labels import UNLABELED, resize_labels

from .folded_embeddings import fold, unfold

Columns: TypeAlias = slice | Sequence[int] | Tensor


@MODELS.register_module()
class SemanticEmbeddingHead(BaseDecodeHead):
    """Classify pixels by fixed word vectors of the classes.

    Any decode head is made to end in D channels instead of classes, and

        logits[c] = <features, E[c]> / temperature

    with unit word vectors E that are never trained (SPNet, Xian et al.,
    CVPR 2019, section 3). Features are not normalized and there is no bias,
    so a class without any training pixel is one more row of E. The product
    is computed in float32 whatever the precision of the features.

    Classes are ordered seen first, then unseen. Training sees the columns
    of the seen classes only; predictions take all of them. Labels 254
    (unlabeled) have no effect on the loss, like 255.

    With ``gamma`` predictions are calibrated (SPNet, equation 6): what
    ``predict`` returns are then the scores p - gamma [c is seen] of the
    up-sampled probabilities p instead of logits. Their argmax is the
    prediction; do not take a softmax of them, as test-time augmentation and
    labeling would.

    Args:
        head: config of a decode head; its ``num_classes`` is set to D.
        num_seen: number of seen classes, which come first.
        classes: names of all classes; may be left out if ``embeddings``
            holds the vectors themselves.
        embeddings: ``.npz`` file, see :func:`load_class_embeddings`, or
            vectors (C, D) that are taken as they are, or None: they come
            with the checkpoint (``save_embeddings``).
        embedding: which vectors of the file.
        names: name in the file of classes that are called otherwise there.
        embedding_dim: D, needed only without ``embeddings``.
        save_embeddings: put the vectors into checkpoints.
        temperature: divisor of the logits.
        gamma: calibration, 0 for none. With 1 no seen class is predicted.
        train_columns: ``'seen'``, or ``'all'`` for a softmax over all
            classes in training.
        loss_resolution: ``'labels'`` up-samples the logits to the labels as
            mmseg does; ``'logits'`` takes the nearest label at the
            resolution of the logits, as SPNet and STRICT do.
        loss_decode: see mmseg; by default a cross entropy averaged over the
            pixels that are not ignored.
        ignore_index: label of pixels without any effect.
    """

    def __init__(
        self,
        head: dict,
        num_seen: int,
        classes: Sequence[str] | None = None,
        embeddings: None | str | Sequence = None,
        embedding: str | None = None,
        names: dict[str, str] | None = None,
        embedding_dim: int | None = None,
        save_embeddings: bool = False,
        temperature: float = 1.0,
        gamma: float = 0.0,
        train_columns: str = 'seen',
        loss_resolution: str = 'labels',
        loss_decode: None | dict | Sequence[dict] = None,
        ignore_index: int = 255,
    ) -> None:
        vectors = class_vectors(
            classes,
            embeddings,
            embedding,
            names,
            embedding_dim,
            save_embeddings,
        )
        num_classes, dim = vectors.shape
        if not 0 < num_seen <= num_classes:
            raise ValueError(
                f'num_seen must lie in 1..{num_classes}, the '
                f'number of classes, got {num_seen}'
            )
        if train_columns not in ('seen', 'all'):
            raise ValueError(
                f"train_columns must be 'seen' or 'all', got {train_columns!r}"
            )
        if loss_resolution not in ('labels', 'logits'):
            raise ValueError(
                "loss_resolution must be 'labels' or 'logits', got "
                f'{loss_resolution!r}'
            )
        if temperature <= 0 or gamma < 0:
            raise ValueError(
                'temperature must be positive and gamma at least 0, '
                f'got {temperature} and {gamma}'
            )
        loss_decode = loss_decode or dict(type='ClassBalancedCrossEntropyLoss')
        # Losses of the inner head are never used.
        inner = MODELS.build(
            {'loss_decode': loss_decode, **head, 'num_classes': dim}
        )
        # The inner head selects its inputs; what remains is a classifier of
        # D channels.
        super().__init__(
            dim,
            dim,
            num_classes=num_classes,
            dropout_ratio=0,
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=inner.align_corners,
            init_cfg=None,
        )
        del self.conv_seg
        self.head = inner
        self.num_seen = num_seen
        self.temperature = temperature
        self.gamma = gamma
        self.train_columns = train_columns
        self.loss_resolution = loss_resolution
        self.save_embeddings = save_embeddings
        self.has_embeddings = embeddings is not None
        self.register_buffer('embeddings', vectors, persistent=save_embeddings)
        self.register_load_state_dict_pre_hook(self._accept)

    def forward(
        self, inputs: list[Tensor], columns: Columns | None = None
    ) -> Tensor:
        """Logits at the resolution of the inner head.

        Args:
            inputs: feature maps of the backbone or neck.
            columns: classes to score, all by default.

        Returns:
            Float32 (N, number of columns, H, W).
        """
        features = self.head(inputs)
        vectors = (
            self.embeddings if columns is None else self.embeddings[columns]
        )
        with torch.autocast(features.device.type, enabled=False):
            logits = F.conv2d(
                features.float(), vectors.float()[:, :, None, None]
            )
        return logits if self.temperature == 1 else logits / self.temperature

    def train_logits(self, inputs: list[Tensor]) -> Tensor:
        """Logits of the classes that the supervised loss compares."""
        return self.forward(
            inputs,
            slice(0, self.num_seen) if self.train_columns == 'seen' else None,
        )

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict | None,
    ) -> dict[str, Tensor]:
        """Loss on annotated pixels, in mmseg's signature."""
        return self.loss_by_feat(self.train_logits(inputs), batch_data_samples)

    def loss_by_feat(
        self, seg_logits: Tensor, batch_data_samples: list
    ) -> dict[str, Tensor]:
        """Loss of logits against the labels of data samples."""
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        return self.loss_by_labels(seg_logits, labels)

    def loss_by_labels(
        self, logits: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Loss and accuracy of logits against label maps.

        Args:
            logits: (N, K, h, w).
            labels: (N, H, W) integers below K, 254 or 255.
        """
        labels = labels.long()
        labels = labels.masked_fill(labels == UNLABELED, self.ignore_index)
        if self.loss_resolution == 'logits':
            labels = resize_labels(labels, logits.shape[-2:])
        else:
            logits = resize(
                logits,
                size=labels.shape[-2:],
                mode='bilinear',
                align_corners=self.align_corners,
            )
        parts = self.loss_decode
        losses: dict[str, Tensor] = {}
        for part in parts if isinstance(parts, nn.ModuleList) else [parts]:
            value = part(logits, labels, ignore_index=self.ignore_index)
            losses[part.loss_name] = losses.get(part.loss_name, 0) + value
        with torch.no_grad():
            # mmseg's accuracy selects pixels, which waits for the device.
            valid = labels != self.ignore_index
            correct = (max_over_classes(logits)[1] == labels) & valid
            losses['acc_seg'] = 100 * correct.sum() / valid.sum().clamp(min=1)
        return losses

    def predict_by_feat(
        self, seg_logits: Tensor, batch_img_metas: list[dict]
    ) -> Tensor:
        """Logits, or calibrated scores, at the size of the input."""
        logits = super().predict_by_feat(seg_logits, batch_img_metas)
        if not self.gamma:
            return logits
        scores = logits.float().softmax(1)
        scores[:, : self.num_seen] -= self.gamma
        return scores

    @staticmethod
    def _accept(
        head: 'SemanticEmbeddingHead', state_dict: dict, prefix: str, *_
    ) -> None:
        """Vectors of a checkpoint count only where they are saved.

        Also accepts the weights that :meth:`to_mmseg` gave.
        """
        if head.has_embeddings:
            unfold(head, state_dict, prefix)
        key = f'{prefix}embeddings'
        if not head.save_embeddings:
            state_dict.pop(key, None)
        elif head.has_embeddings:
            state_dict.setdefault(key, head.embeddings)

    def to_mmseg(self, cfg: dict) -> tuple[dict, dict[str, Tensor]]:
        """See :func:`~.folded_embeddings.fold`."""
        return fold(self, cfg)

    def extra_repr(self) -> str:
        return (
            f'{super().extra_repr()}, num_seen={self.num_seen}, '
            f'embeddings={tuple(self.embeddings.shape)}, '
            f'gamma={self.gamma}'
        )


def class_vectors(
    classes: Sequence[str] | None,
    embeddings: None | str | Sequence,
    embedding: str | None,
    names: dict[str, str] | None,
    embedding_dim: int | None,
    save_embeddings: bool,
) -> Tensor:
    """Word vectors (C, D) as the arguments of the head say.

    Raises:
        ValueError: when the arguments do not go together.
    """
    if embeddings is None:
        if not (classes and embedding_dim and save_embeddings):
            raise ValueError(
                'without embeddings, give classes, '
                'embedding_dim and save_embeddings=True: the '
                'vectors then come with the checkpoint'
            )
        return torch.zeros(len(classes), embedding_dim)
    if isinstance(embeddings, str):
        if not classes:
            raise ValueError(
                'embeddings of a file need the names of the classes'
            )
        vectors = load_class_embeddings(embeddings, classes, embedding, names)
    else:
        vectors = np.asarray(embeddings, np.float32)
    if vectors.ndim != 2 or classes and len(classes) != len(vectors):
        raise ValueError(
            f'embeddings of shape {vectors.shape} for '
            f'{len(classes or [])} classes'
        )
    return torch.from_numpy(vectors.copy())

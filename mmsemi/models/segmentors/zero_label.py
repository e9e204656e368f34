import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from mmsemi.models.pseudo_labelers.views import Views
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE, UNLABELED, resize_labels

from .spnet import SPNet


class ViewedBatch(NamedTuple):
    """What a generator makes of the pixels of a batch.

    Attributes:
        unlabeled: bool (N, h, w), pixels that may get a pseudo-label.
        views: float32 (V, N, U, h, w), scores of the unseen classes.
        agreed: int64 (N, h, w), labels on which views agree, else 255.
    """

    unlabeled: Tensor
    views: Tensor
    agreed: Tensor


@MODELS.register_module()
class ZeroLabelSegmentor(SPNet):
    """Self-training on pixels of unseen classes where views agree (STRICT).

    Pastore et al., "A Closer Look at Self-training for Zero-Label Semantic
    Segmentation", CVPR-W 2021. A frozen copy of the student, the generator,
    scores the unseen classes in several views of the batch. Where all views
    agree, an unlabeled pixel takes their class; one cross entropy over all
    classes averages annotated and pseudo-labeled pixels alike.

    Until :meth:`refresh_generator` is first called (by
    :class:`GeneratorRefreshHook` at the start of a round), training is that
    of :class:`SPNet`. The generator is held as buffers: it is in full
    checkpoints under ``generator.``, never in an optimizer.

    Labels: 254 is unlabeled, 255 (void, padding) has no effect. The
    resolution of the loss is ``loss_resolution`` of the decode head; with
    ``'logits'``, as published, views agree at stride 8.

    Args:
        student: see :class:`SPNet`.
        views: arguments of :class:`Views`; mirror and up-scales by default,
            as published. ``dict(mirror=False, scales='none')`` is plain
            self-training with hard labels.
        pseudo_labeler: config of a labeler of views,
            :class:`ViewAgreementPseudoLabeler` by default.
        data_preprocessor: see :class:`SemiSegmentor`.
        semi_train_cfg: ``scales`` of :class:`SPNet`; ``background``, the
            index of a seen class whose pixels count as unlabeled and keep
            their label where views disagree (None for none);
            ``merge_ignore``, whether void and padding are pseudo-labeled
            too, as the published code does.
        semi_test_cfg: see :class:`SPNet`.
        init_cfg: initialization of the wrapper, rarely needed.
    """

    sub_models = ('student', 'generator')
    frozen_copies = ('generator',)
    train_defaults = dict(
        SPNet.train_defaults, background=None, merge_ignore=False
    )

    def __init__(
        self,
        student: dict,
        views: dict | None = None,
        pseudo_labeler: dict | None = None,
        data_preprocessor: dict | None = None,
        semi_train_cfg: dict | None = None,
        semi_test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            student, data_preprocessor, semi_train_cfg, semi_test_cfg, init_cfg
        )
        head = self.student.decode_head
        unseen = head.num_classes - head.num_seen
        if not unseen:
            raise ValueError(
                'there is no unseen class to label: classes of '
                'the decode head are seen first, then unseen'
            )
        if unseen == 1:
            warnings.warn(
                'with one unseen class all views always agree, so '
                'every unlabeled pixel takes it'
            )
        background = self.semi_train_cfg['background']
        if background is not None and not 0 <= background < head.num_seen:
            raise ValueError(
                f'background={background} is no seen class, '
                f'which are 0..{head.num_seen - 1}'
            )
        self.views = Views(
            **dict(dict(align_corners=head.align_corners), **(views or {}))
        )
        self.pseudo_labeler = MODELS.build(
            dict(
                dict(
                    type='ViewAgreementPseudoLabeler',
                    label_offset=head.num_seen,
                ),
                **(pseudo_labeler or {}),
            )
        )
        self.self_training = False

    def train(self, mode: bool = True) -> 'ZeroLabelSegmentor':
        """Set the mode of the student; the generator stays in evaluation."""
        super().train(mode)
        self.generator.eval()
        return self

    def refresh_generator(self) -> None:
        """Make the generator a copy of the student as it is now.

        From then on unlabeled pixels take part in training.
        """
        self.sync_copy('generator')
        self.self_training = True
        self._labels_checked = False  # rounds have their own data loader

    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> dict[str, Tensor]:
        """Losses and logged figures of one batch, see :class:`SPNet`."""
        if not self.self_training:
            return super().loss(inputs, data_samples)
        images, samples, labels = self.unpack(inputs, data_samples)
        feats = self.student.extract_feat(images)
        head = self.student.decode_head
        logits = head(feats)
        if head.loss_resolution == 'logits':
            labels = resize_labels(labels, logits.shape[-2:])
        target, figures = self.make_target(images, labels)
        losses = {
            f'decode.{key}': value
            for key, value in head.loss_by_labels(logits, target).items()
        }
        losses.update(self.auxiliary_losses(feats, samples))
        losses.update(figures)
        return losses

    @torch.no_grad()
    def make_target(
        self, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Labels with agreed pseudo-labels put where there are none.

        Args:
            images: (N, 3, H, W).
            labels: (N, h, w) int64; views agree at this resolution.

        Returns:
            Labels (N, h, w) and figures to log: ``pseudo_share`` of all
            pixels, ``view_agreement`` as a share of the unlabeled ones.
        """
        unlabeled, _, agreed = self.examine(images, labels)
        given = unlabeled & (agreed != IGNORE)
        target = agreed.where(given, labels)
        background = self.semi_train_cfg['background']
        if background is not None:
            target = target.masked_fill(target == UNLABELED, background)
        return target, dict(
            pseudo_share=given.sum() / given.numel(),
            view_agreement=given.sum() / unlabeled.sum().clamp(min=1),
        )

    @torch.no_grad()
    def examine(self, images: Tensor, labels: Tensor) -> ViewedBatch:
        """What the generator makes of a batch, see :meth:`make_target`."""
        background = self.semi_train_cfg['background']
        unlabeled = labels == UNLABELED
        if background is not None:
            unlabeled |= labels == background
        if self.semi_train_cfg['merge_ignore']:
            unlabeled |= labels == IGNORE
        views = self.views(self.unseen_logits, images, labels.shape[-2:])
        return ViewedBatch(unlabeled, views, self.pseudo_labeler(views).labels)

    def unseen_logits(self, images: Tensor) -> Tensor:
        """Scores (N, U, h, w) of the unseen classes by the generator."""
        head = self.generator.decode_head
        return head(
            self.generator.extract_feat(images), slice(head.num_seen, None)
        )

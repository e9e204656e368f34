import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.class_weights import own_class_weights
from mmsemi.models.losses import build_target_loss
from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS

from .batch import join_images, true_labels
from .semi_base import SemiSegmentor, check_head, heads, logits_of


@MODELS.register_module()
class SelfTrainingSegmentor(SemiSegmentor):
    """One network trained on labeled and pseudo-labeled images at once.

    All branches of a batch go through the network in one forward, so that
    they share their BatchNorm statistics, and one objective sees them all.
    Labels of the branch ``pseudo`` come from the pseudo-label store, with
    their confidence where the objective needs it and soft labels where the
    labeler gives any. A plain labeled batch
    (no branches) is accepted as well.

    Args:
        student: config of an mmseg segmentor with one decode head; its own
            ``loss_decode`` gives nothing but the factors of auxiliary heads.
        objective: config of a :class:`TargetLoss`, such as
            :class:`DynamicSelfTrainingLoss`.
        data_preprocessor: see :class:`SemiSegmentor`.
        semi_train_cfg: ``pseudo_branches`` names the branches whose labels
            are pseudo-labels, ``('pseudo', )`` by default.
        semi_test_cfg: see :class:`SemiSegmentor`.
        init_cfg: initialization of the wrapper, rarely needed.
    """

    train_defaults = dict(pseudo_branches=('pseudo',))

    def __init__(
        self,
        student: dict,
        objective: dict,
        data_preprocessor: dict | None = None,
        semi_train_cfg: dict | None = None,
        semi_test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            student, data_preprocessor, semi_train_cfg, semi_test_cfg, init_cfg
        )
        check_head(self.student)
        self.objective = build_target_loss(objective, 'objective')
        self.check_own_losses()
        self.pseudo_branches = tuple(self.semi_train_cfg['pseudo_branches'])

    def check_own_losses(self) -> None:
        """Refuse settings of the student's loss that would do nothing.

        Raises:
            ValueError: naming the setting and where it belongs.
        """
        head = self.student.decode_head
        if getattr(head, 'sampler', None) is not None:
            raise ValueError(
                "student.decode_head.sampler has no effect: the student's "
                'own loss is not used, but objective. Leave it out'
            )
        criterion = getattr(self.objective, 'criterion', None)
        if own_class_weights(head) is not None and (
            criterion is None or not criterion.weighted
        ):
            raise ValueError(
                'class weights in student.decode_head.loss_decode have no '
                "effect: the student's own loss is not used. Set "
                "objective.criterion=dict(type='ClassBalancedCrossEntropyLoss'"
                ', class_weight=...)'
            )

    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> dict[str, Tensor]:
        """Losses and logged figures of one batch.

        Args:
            inputs: images (N, 3, H, W) of each branch.
            data_samples: for each branch N ``SegDataSample`` with
                ``gt_sem_seg`` and, for pseudo-labels, ``gt_confidence`` and
                ``gt_soft_label``, if there are any.
        """
        if not isinstance(inputs, dict):
            inputs, data_samples = dict(sup=inputs), dict(sup=data_samples)
        images = join_images(inputs)
        samples = [s for branch in inputs for s in data_samples[branch]]
        is_pseudo = [
            branch in self.pseudo_branches
            for branch in inputs
            for _ in data_samples[branch]
        ]
        labels = true_labels(samples)
        pseudo = torch.tensor(is_pseudo).to(images.device, non_blocking=True)
        targets = Targets(
            labels,
            self.stack_confidence(samples, is_pseudo, labels),
            soft=self.stack_soft_labels(samples, is_pseudo, labels),
            pseudo=pseudo,
        )

        feats = self.student.extract_feat(images)
        losses: dict[str, Tensor] = {}
        for name, head, factor in self.heads():
            logits = logits_of(head, feats).float()
            if logits.shape[-2:] != labels.shape[-2:]:  # a copy else
                logits = resize(
                    logits,
                    size=labels.shape[-2:],
                    mode='bilinear',
                    align_corners=head.align_corners,
                )
            result = self.objective(logits, targets)
            if isinstance(result, Tensor):
                result = dict(loss_seg=result)
            losses.update(self.rename(result, name, factor, any(is_pseudo)))
        return losses

    def heads(self) -> list[tuple[str, nn.Module, float]]:
        """Name, head and loss factor of the decode and auxiliary heads."""
        (name, decode), *others = heads(self.student)
        found = [(name, decode, 1.0)]
        for name, head in others:
            parts = head.loss_decode
            parts = parts if isinstance(parts, nn.ModuleList) else [parts]
            factor = sum(getattr(part, 'loss_weight', 1.0) for part in parts)
            found.append((name, head, factor))
        return found

    @staticmethod
    def rename(
        result: dict[str, Tensor], name: str, factor: float, any_pseudo: bool
    ) -> dict[str, Tensor]:
        """Scale losses and prefix them; figures are kept of one head only."""
        renamed = {}
        for key, value in result.items():
            if 'loss' in key:
                renamed[f'{name}.{key}'] = value * factor
            elif name == 'decode' and (
                any_pseudo or not key.startswith('pseudo_')
            ):
                renamed[key] = value
        return renamed

    def stack_confidence(
        self, samples: list, is_pseudo: list[bool], labels: Tensor
    ) -> Tensor | None:
        """Stored confidence (N, H, W), 1 on labeled samples; or None.

        Raises:
            ValueError: when the objective needs what the samples lack.
        """
        has = ['gt_confidence' in s for s in samples]
        if self.objective.needs_confidence:
            for sample, pseudo, present in zip(samples, is_pseudo, has):
                if pseudo and not present:
                    raise ValueError(
                        f'{type(self.objective).__name__} needs the stored '
                        'confidence of pseudo-labels, which '
                        f'{sample.get("img_path", "a sample")} lacks. Set '
                        'keep_confidence=True of PseudoLabelHook and '
                        'with_confidence=True of LoadPseudoLabel'
                    )
        if not any(pseudo and h for pseudo, h in zip(is_pseudo, has)):
            return None
        one = torch.ones(labels.shape[1:], device=labels.device)
        return torch.stack(
            [
                s.gt_confidence.data[0].to(one) if pseudo and h else one
                for s, pseudo, h in zip(samples, is_pseudo, has)
            ]
        )

    @staticmethod
    def stack_soft_labels(
        samples: list, is_pseudo: list[bool], labels: Tensor
    ) -> Tensor | None:
        """Soft labels (N, C, H, W), 0 on samples without; or None."""
        maps = [
            s.gt_soft_label.data.to(labels.device)
            if pseudo and 'gt_soft_label' in s
            else None
            for s, pseudo in zip(samples, is_pseudo)
        ]
        shapes = [m.shape for m in maps if m is not None]
        if not shapes:
            return None
        zero = torch.zeros(shapes[0], device=labels.device)
        return torch.stack([zero if m is None else m for m in maps])

"""A student that learns from what its teacher sees in unlabeled images."""

import copy
import math
import warnings
from typing import Any

import torch
from mmseg.models.utils import resize
from torch import Tensor, nn

from mmsemi.models.pseudo_labelers import PseudoLabels
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .sample_maps import audit_maps, valid_pixels
from .self_training import join_images
from .semi_base import SemiSegmentor, heads

Targets = dict[str, Tensor]


@MODELS.register_module()
class TeacherStudentSegmentor(SemiSegmentor):
    """Weak-to-strong consistency between a teacher and a student.

    The frame of Mean Teacher, FixMatch, U2PL and their kin. Each iteration
    (:meth:`loss`): the teacher labels the weak view of unlabeled images,
    a pseudo-labeler weighs the labels, the strong views are mixed together
    with their labels, and the student learns from labeled and mixed images.
    ``MeanTeacherHook`` moves the teacher. Branches of a batch: ``sup``,
    ``unsup_teacher`` (weak) and ``unsup_student`` (strong, of the same
    geometry). A plain labeled batch (no branches) is accepted as well.

    Labels, confidences and the like of a batch are a dict of ``targets``:
    ``labels`` int64 (N, H, W), 255 where there is none; ``confidence`` and
    ``weights`` float32 (N, H, W); ``valid`` bool (N, H, W), False on padding;
    ``soft`` float32 (N, C, H, W), class probabilities, where the loss of
    unlabeled images wants them (``needs_soft``); ``truth`` int64 (N, H, W)
    with ``audit``, which nothing learns from.

    A method that needs more overrides one of the named steps, or adds
    objectives: of the mixed images and their labels by ``further_losses``,
    others by :meth:`extra_losses`.

    Args:
        student: config of an mmseg segmentor with one decode head. Labeled
            images train it by its own ``loss_decode`` and auxiliary heads.
            The teacher is a frozen copy of it.
        pseudo_labeler: config of a module from probabilities (and a map of
            what is no padding) to ``PseudoLabels``, such as
            :class:`ConfidencePseudoLabeler`.
        unsup_loss: config of a module from logits and targets to a loss,
            such as :class:`PseudoLabelCrossEntropyLoss`.
        further_losses: configs of more such modules by name; they are added
            and logged as ``loss_<name>``.
        mixing: config of a module that mixes images and targets, such as
            :class:`CutMix`; None mixes nothing.
        data_preprocessor: see :class:`SemiSegmentor`.
        semi_train_cfg: any of :attr:`train_defaults`:

            - ``teacher_mode``: ``'eval'``, or ``'train'`` for batch
              statistics (and dropout) in the teacher.
            - ``sup_weight``, ``unsup_weight``: factors of the losses.
            - ``ramp_up_iters``: iterations in which the factor of unlabeled
              images rises as exp(-5 (1 - t)^2) (Mean Teacher, Tarvainen and
              Valpola, NeurIPS 2017).
            - ``warmup_iters``: iterations on labeled images only, before.
            - ``joint_forward``: labeled and unlabeled images go through
              the student at once and share their batch statistics.
            - ``audit``: log how often the labels that the student learns
              from are right, where samples carry ``gt_audit``.
            - ``undo_class_weights``: divide the teacher's probabilities by
              the class weights of the student's loss before they label: a
              network trained with weights paints rare classes too large.
        semi_test_cfg: ``predict_on`` is ``'student'`` or ``'teacher'``.
        init_cfg: initialization of the wrapper, rarely needed.
    """

    sub_models = ('student', 'teacher')
    train_defaults: dict[str, Any] = dict(
        teacher_mode='eval',
        sup_weight=1.0,
        unsup_weight=1.0,
        ramp_up_iters=0,
        warmup_iters=0,
        joint_forward=True,
        audit=False,
        undo_class_weights=False,
    )

    def __init__(
        self,
        student: dict,
        pseudo_labeler: dict,
        unsup_loss: dict,
        mixing: dict | None = None,
        further_losses: dict[str, dict] | None = None,
        data_preprocessor: dict | None = None,
        semi_train_cfg: dict | None = None,
        semi_test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            student, data_preprocessor, semi_train_cfg, semi_test_cfg, init_cfg
        )
        for name in (
            'sup_weight',
            'unsup_weight',
            'ramp_up_iters',
            'warmup_iters',
        ):
            if self.semi_train_cfg[name] < 0:
                raise ValueError(
                    f'{name} is not below 0, got {self.semi_train_cfg[name]}'
                )
        if self.semi_train_cfg['teacher_mode'] not in ('eval', 'train'):
            raise ValueError(
                "teacher_mode is 'eval' or 'train', got "
                f'{self.semi_train_cfg["teacher_mode"]!r}'
            )
        if isinstance(self.student.decode_head, nn.ModuleList):
            raise TypeError(
                'the student needs exactly one decode head; '
                'cascades are not supported'
            )
        if self.student.out_channels < 2:
            raise ValueError(
                'a head with one channel (binary, with a sigmoid) has no '
                'probabilities of classes: give it two classes and '
                'out_channels=2'
            )
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.pseudo_labeler = MODELS.build(pseudo_labeler)
        self.unsup_loss = MODELS.build(unsup_loss)
        self.further_losses = nn.ModuleDict()
        for name, loss in (further_losses or {}).items():
            if name.startswith(('sup', 'unsup', 'contra')):
                raise ValueError(
                    f'further_losses: loss_{name} may be a loss '
                    'of the method; choose another name'
                )
            self.further_losses[name] = MODELS.build(loss)
        self.mixing = MODELS.build(mixing) if mixing else None
        # Set by MeanTeacherHook; a checkpoint needs neither.
        self.iteration: int | None = None
        self.max_iters: int | None = None
        self.train(self.training)

    # State.
    def train(self, mode: bool = True) -> 'TeacherStudentSegmentor':
        """Set the mode; the teacher trains only by ``teacher_mode``."""
        super().train(mode)
        # Loops call this in every iteration.
        self.teacher.train(
            mode and self.semi_train_cfg['teacher_mode'] == 'train'
        )
        return self

    def init_weights(self) -> None:
        """Initialize the student; the teacher starts as its copy."""
        super().init_weights()
        self.sync_teacher()

    @torch.no_grad()
    def sync_teacher(self) -> None:
        """Make the teacher equal to the student, buffers included."""
        self.teacher.load_state_dict(self.student.state_dict())

    def set_progress(self, iteration: int, max_iters: int) -> None:
        """Tell the model how far training is; schedules need it."""
        self.iteration, self.max_iters = iteration, max_iters

    @property
    def progress(self) -> float:
        """Share of the training that is done, in [0, 1).

        Raises:
            RuntimeError: when nobody has said.
        """
        self._need_progress()
        return self.iteration / max(self.max_iters, 1)

    @property
    def soft_losses(self) -> list[str]:
        """Losses of unlabeled images that want probabilities."""
        losses = (self.unsup_loss, *self.further_losses.values())
        return [
            type(loss).__name__
            for loss in losses
            if getattr(loss, 'needs_soft', False)
        ]

    def _need_progress(self) -> None:
        if self.iteration is None:
            raise RuntimeError(
                'a schedule of this model needs the iteration: add '
                'MeanTeacherHook to custom_hooks, or call set_progress'
            )

    @property
    def warming_up(self) -> bool:
        """Whether unlabeled images are still left aside."""
        if not self.semi_train_cfg['warmup_iters']:
            return False
        self._need_progress()
        return self.iteration < self.semi_train_cfg['warmup_iters']

    @property
    def unsup_weight(self) -> float:
        """Present factor of the loss of unlabeled images."""
        weight = self.semi_train_cfg['unsup_weight']
        length = self.semi_train_cfg['ramp_up_iters']
        if not length:
            return weight
        self._need_progress()
        done = self.iteration - self.semi_train_cfg['warmup_iters']
        share = min(max(done / length, 0.0), 1.0)
        return weight * math.exp(-5 * (1 - share) ** 2)

    # Training.
    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> dict[str, Tensor]:
        """Losses and logged figures of one batch.

        Args:
            inputs: images (N, 3, H, W) of each branch.
            data_samples: for each branch N ``SegDataSample``; of unlabeled
                images ``gt_sem_seg`` says only what is padding (255).

        Returns:
            ``loss_sup_*`` and ``loss_unsup``, weighted, and
            :meth:`figures` of the mixed labels.
        """
        if not isinstance(inputs, dict):
            inputs, data_samples = dict(sup=inputs), dict(sup=data_samples)
        self.check_branches(inputs)
        if self.warming_up or 'unsup_student' not in inputs:
            return self.loss_labeled_only(inputs['sup'], data_samples['sup'])
        if self.training and self.iteration is None:
            warnings.warn(
                'nobody moves the teacher: add MeanTeacherHook to custom_hooks'
            )
        weak, strong = inputs['unsup_teacher'], inputs['unsup_student']
        samples = data_samples['unsup_teacher']
        targets = self.label(weak, samples)
        if self.semi_train_cfg['audit'] and all(
            'gt_audit' in s for s in samples
        ):
            targets['truth'] = audit_maps(samples, targets['labels'])
        images, targets = self.mix(strong, targets)
        sup, unsup = self.forward_student(inputs['sup'], images)
        losses = self.loss_sup(sup, data_samples['sup'])
        losses.update(self.loss_unsup(unsup, targets))
        losses.update(
            self.extra_losses(
                inputs['sup'], data_samples['sup'], images, targets, sup, unsup
            )
        )
        return losses

    def check_branches(self, inputs: dict[str, Tensor]) -> None:
        """Raise an error where views are missing or do not match.

        Without the branches of unlabeled images training would go on
        without them in silence.
        """
        views = [
            inputs[k].shape
            for k in ('unsup_teacher', 'unsup_student')
            if k in inputs
        ]
        if (
            'sup' not in inputs
            or len(views) == 1
            or views
            and views[0] != views[1]
        ):
            found = {k: tuple(v.shape) for k, v in inputs.items()}
            raise ValueError(
                'a batch needs the branches sup, unsup_teacher and '
                'unsup_student, the last two of one shape (or sup alone); '
                f'it has {found}. See MultiBranch in the training pipelines'
            )

    def loss_labeled_only(
        self, images: Tensor, samples: list
    ) -> dict[str, Tensor]:
        """Losses of a batch (or phase) without unlabeled images."""
        return self.loss_sup(self.decode(self.student, images), samples)

    @torch.no_grad()
    def label(self, images: Tensor, samples: list) -> Targets:
        """What the teacher makes of the weak views (N, 3, H, W)."""
        outputs = self.decode(self.teacher, images, auxiliary=False)
        probabilities = self.teacher_probabilities(
            outputs['decode'], images.shape[-2:]
        )
        valid = valid_pixels(samples)
        result = self.run_labeler(probabilities, valid)
        targets = dict(
            labels=result.labels.masked_fill(~valid, IGNORE),
            confidence=result.confidence,
            weights=result.weights * valid,
            valid=valid,
        )
        if self.soft_losses:
            soft = getattr(result, 'soft', None)
            targets['soft'] = probabilities if soft is None else soft
        return targets

    def run_labeler(
        self, probabilities: Tensor, valid: Tensor
    ) -> PseudoLabels:
        """The pseudo-labeler, told the progress if it asks for it."""
        if getattr(self.pseudo_labeler, 'needs_progress', False):
            return self.pseudo_labeler(
                probabilities, valid, progress=self.progress
            )
        return self.pseudo_labeler(probabilities, valid)

    def teacher_probabilities(
        self, logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Class probabilities (N, C, H, W) to label by, float32.

        Args:
            logits: (N, C, h, w) of the teacher's decode head.
            size: (H, W) of the images; (h, w) by default.
        """
        logits = (
            logits.float() if size is None else self.upsample(logits, size)
        )
        if self.semi_train_cfg['undo_class_weights']:
            weights = getattr(
                self.student.decode_head.loss_decode, 'class_weight', None
            )
            if not isinstance(weights, Tensor):
                raise ValueError(
                    'undo_class_weights needs class weights in loss_decode '
                    "of the student's decode head: a "
                    'ClassBalancedCrossEntropyLoss'
                )
            # A class of weight 0 is not learned, so it is not undone.
            weights = weights.where(weights > 0, 1.0)
            logits = logits - weights.log().view(1, -1, 1, 1)
        return logits.softmax(1)

    def mix(self, images: Tensor, targets: Targets) -> tuple[Tensor, Targets]:
        """Mix the strong views (N, 3, H, W) and their targets alike."""
        if self.mixing is None:
            return images, targets
        return self.mixing(images, targets)

    def forward_student(
        self, sup_images: Tensor, images: Tensor
    ) -> tuple[dict, dict]:
        """Outputs (see :meth:`decode`) of labeled and unlabeled images."""
        if not self.semi_train_cfg['joint_forward']:
            return (
                self.decode(self.student, sup_images),
                self.decode(self.student, images, auxiliary=False),
            )
        joined = join_images(dict(sup=sup_images, unsup_student=images))
        outputs = self.decode(self.student, joined)
        number = len(sup_images)
        return (
            {k: v[:number] for k, v in outputs.items()},
            {k: v[number:] for k, v in outputs.items()},
        )

    def decode(
        self, segmentor: nn.Module, images: Tensor, auxiliary: bool = True
    ) -> dict[str, Tensor]:
        """Outputs of the heads at their own resolution.

        A subclass may add more, such as a representation; every value has
        the batch as its first dimension.

        Args:
            segmentor: student or teacher.
            images: (N, 3, H, W).
            auxiliary: whether auxiliary heads run as well.

        Returns:
            Logits (N, C, h, w) of ``'decode'`` and of ``'aux'`` (or
            ``'aux_0'``, ``'aux_1'``, ... where there are several).
        """
        feats = segmentor.extract_feat(images)
        outputs = {}
        for name, head in heads(segmentor):
            if name != 'decode' and not auxiliary:
                continue
            outputs[name] = head(feats)
            if not isinstance(outputs[name], Tensor):
                raise TypeError(
                    f'{type(head).__name__} gives no single map '
                    'of logits, which consistency needs'
                )
        return outputs

    def upsample(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Logits as float32 (N, C, H, W) in the size of the images."""
        return resize(
            logits.float(),
            size=tuple(size),
            mode='bilinear',
            align_corners=self.student.decode_head.align_corners,
        )

    def loss_sup(
        self, outputs: dict[str, Tensor], samples: list
    ) -> dict[str, Tensor]:
        """Losses of the student's own heads on labeled images."""
        losses = {}
        for name, head in heads(self.student):
            result = head.loss_by_feat(outputs[name].float(), samples)
            for key, value in result.items():
                middle = '' if name == 'decode' else f'{name}_'
                if 'loss' in key:
                    key = f'loss_sup_{middle}{key.removeprefix("loss_")}'
                    losses[key] = self.semi_train_cfg['sup_weight'] * value
                elif name == 'decode':
                    losses[key] = value
        return losses

    def loss_unsup(
        self, outputs: dict[str, Tensor], targets: Targets
    ) -> dict[str, Tensor]:
        """Losses and figures of mixed unlabeled images."""
        logits = self.upsample(outputs['decode'], targets['labels'].shape[-2:])
        return self.compare(logits, targets)

    def compare(self, logits: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Weighted ``loss_unsup``, further losses, and :meth:`figures`.

        Args:
            logits: of the student (N, C, H, W), float32.
            targets: mixed labels.
        """
        weight = self.unsup_weight
        losses = dict(loss_unsup=weight * self.unsup_loss(logits, targets))
        for name, loss in self.further_losses.items():
            losses[f'loss_{name}'] = weight * loss(logits, targets)
        return dict(losses, **self.figures(targets))

    def extra_losses(
        self,
        sup_images: Tensor,
        sup_samples: list,
        images: Tensor,
        targets: Targets,
        sup: dict[str, Tensor],
        unsup: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """Further objectives of a method; none here.

        Args:
            sup_images: labeled images (N, 3, H, W).
            sup_samples: their data samples.
            images: mixed unlabeled images.
            targets: mixed targets.
            sup: outputs of the student for labeled images.
            unsup: outputs of the student for mixed unlabeled images.

        Returns:
            0-d tensors; those whose key holds ``loss`` are summed, the
            others are logged.
        """
        return {}

    @torch.no_grad()
    def figures(self, targets: Targets) -> dict[str, Tensor]:
        """What to log about the labels that the student learns from.

        Returns:
            0-d tensors: the mean weight of the valid pixels, which is the
            share of labels that count (``confident_ratio``), their mean
            confidence (``mean_confidence``) and, with ``audit``, the share
            of labels with a weight that are right
            (``pseudo_label_accuracy``).
        """
        valid, chosen = targets['valid'], targets['weights'] > 0
        number = valid.sum().clamp(min=1)
        figures = dict(
            confident_ratio=(targets['weights'] * valid).sum() / number,
            mean_confidence=(targets['confidence'] * valid).sum() / number,
        )
        if 'truth' in targets:
            known = chosen & (targets['truth'] != IGNORE)
            right = known & (targets['truth'] == targets['labels'])
            figures['pseudo_label_accuracy'] = right.sum() / known.sum().clamp(
                min=1
            )
        return figures

"""The frame of methods that see unlabeled images in every iteration."""

from typing import Any

from torch import Tensor, nn

from mmsemi.models.targets import Targets
from mmsemi.ops.step import InParts
from mmsemi.registry import MODELS

from .batch import Batch
from .figures import Record, label_figures, named_losses
from .network_verbs import Outputs
from .semi_base import SemiSegmentor, check_head, heads
from .target_verbs import TargetVerbs, build_labeler
from .unsup_losses import UnsupLosses

Losses = dict[str, Tensor]
NOT_NEGATIVE = (
    *('sup_weight', 'unsup_weight'),
    *('ramp_up_iters', 'warmup_iters', 'known_iters'),
)


class OnlineSegmentor(InParts, TargetVerbs, SemiSegmentor):
    """A method is one :meth:`step`: from a :class:`Batch` to its losses.

    There is no teacher here and no method, only verbs for a step, each bound
    to the network it is given: :meth:`decode` and :meth:`look` run a network,
    :meth:`label` makes targets of logits, :meth:`mix` pastes images and
    targets, :meth:`sup` and :meth:`unsup` give losses, :meth:`record` keeps
    what pictures and reports show.

    Branches of a batch: ``sup``, ``unsup_teacher`` (the weak view),
    ``unsup_student``, ``unsup_student_2``, ... (strong views of the same
    geometry), as many as :attr:`strong_views`, and :attr:`other_branches`. A
    labeled batch without branches is accepted as well.

    Args:
        student: config of an mmseg segmentor with one decode head. Labeled
            images train it by its own ``loss_decode`` and auxiliary heads.
        pseudo_labeler: config of a :class:`PseudoLabeler`.
        unsup_loss: config of a :class:`TargetLoss`.
        mixing: config of a module that mixes images and targets, such as
            :class:`CutMix`; None mixes nothing.
        further_losses: configs of more losses by name; they are added and
            logged as ``loss_<name>``.
        data_preprocessor: see :class:`SemiSegmentor`.
        semi_train_cfg: any of :attr:`train_defaults`:

            - ``sup_weight``, ``unsup_weight``: factors of the losses.
            - ``ramp_up_iters``: iterations in which the factor of unlabeled
              images rises as exp(-5 (1 - t)^2) (Tarvainen and Valpola,
              NeurIPS 2017).
            - ``warmup_iters``: iterations on labeled images only, before.
            - ``known_iters``: iterations in which what is annotated of
              unlabeled images is learned; None: in all. Labels from
              elsewhere are left behind so.
            - ``joint_forward``: labeled and unlabeled images go through the
              student at once and share their batch statistics.
            - ``audit``: log how often the labels that are learned from are
              right, where samples carry ``gt_audit``.
            - ``undo_class_weights``: divide probabilities by the class
              weights of the student's loss before they label: a network
              trained with weights paints rare classes too large.
        semi_test_cfg: ``predict_on`` names the sub-model that predicts.
    """

    strong_views = 1
    other_branches: tuple[str, ...] = ()
    train_defaults: dict[str, Any] = dict(
        sup_weight=1.0,
        unsup_weight=1.0,
        ramp_up_iters=0,
        warmup_iters=0,
        known_iters=None,
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
        for name in NOT_NEGATIVE:
            value = self.semi_train_cfg[name]
            if name == 'known_iters' and value is None:
                continue
            if not isinstance(value, (int, float)):
                raise ValueError(f'{name} must be a number, got {value!r}')
            if value < 0:
                raise ValueError(f'{name} must not be negative, got {value}')
        check_head(self.student)
        if self.semi_train_cfg['undo_class_weights']:
            self.class_weights(counted=False)
        self.pseudo_labeler = build_labeler(pseudo_labeler)
        self.unsup_loss, self.further_losses = UnsupLosses.build(
            unsup_loss, further_losses
        )
        self.mixing = MODELS.build(mixing) if mixing else None
        self.check_mixing()
        self.check_num_classes()
        # See record.
        self.recording = False
        self.records: dict[str, list[Record]] | None = None

    def check_num_classes(self) -> None:
        """Refuse parts that are made for other classes.

        Raises:
            ValueError: naming the part.
        """
        parts = {
            'pseudo_labeler': self.pseudo_labeler,
            'unsup_loss': self.unsup_loss,
            'mixing': self.mixing,
        }
        ours = self.student.num_classes
        for name, part in {**parts, **self.further_losses}.items():
            number = getattr(part, 'num_classes', None)
            if number not in (None, ours):
                raise ValueError(
                    f'{name} has {number} classes, the student {ours}: set '
                    f'its num_classes={ours}'
                )

    # The method.
    def step(self, batch: Batch) -> Losses:
        """One iteration of the method, as its algorithm box has it.

        Returns:
            0-d tensors: those whose key holds ``loss`` are summed, the
            others are logged.
        """
        raise NotImplementedError

    def loss(
        self,
        inputs: Tensor | dict[str, Tensor],
        data_samples: list | dict[str, list],
    ) -> Losses:
        """Losses and logged figures of one batch, see :meth:`step`.

        Args:
            inputs: images (N, 3, H, W) of each branch.
            data_samples: for each branch N ``SegDataSample``; of unlabeled
                images ``gt_sem_seg`` says only what is padding (255).
        """
        if self.part == 0:
            self.records = {} if self.recording else None
            self.recording = False
        branches = self.strong_views, self.other_branches
        batch = self.prepare(Batch.of(inputs, data_samples, *branches))
        if batch.weak is None or self.warming_up:
            return self.labeled_only(batch)
        return self.step(batch)

    def prepare(self, batch: Batch) -> Batch:
        """Change a batch before anything sees it; nothing here."""
        return batch

    def labeled_only(self, batch: Batch) -> Losses:
        """Losses of a batch (or phase) without unlabeled images."""
        outputs = self.decode(self.student, batch.sup)
        return self.sup(self.student, outputs, batch)

    # Verbs, besides those of the bases.
    def sup(
        self, network: nn.Module, outputs: Outputs, batch: Batch, name='sup'
    ) -> Losses:
        """Losses of a network's own heads on labeled images.

        Args:
            network: the sub-model.
            outputs: of :meth:`decode` for the labeled images; heads without
                any have no loss.
            batch: has their samples.
            name: the losses are called ``loss_<name>_...``; figures are
                logged for ``'sup'`` only.
        """
        losses = {}
        for part, head in heads(network):
            if part not in outputs:
                continue
            result = head.loss_by_feat(
                outputs[part].float(), batch.sup_samples
            )
            for key, value in result.items():
                middle = '' if part == 'decode' else f'{part}_'
                if 'loss' in key:
                    key = f'loss_{name}_{middle}{key.removeprefix("loss_")}'
                    losses[key] = self.semi_train_cfg['sup_weight'] * value
                elif part == 'decode' and name == 'sup':
                    losses[key] = value
        if self.training and name == 'sup' and 'decode' in outputs:
            self.show_losses(outputs, batch, self.losses)
        return losses

    def show_losses(
        self, outputs: Outputs, batch: Batch, losses: UnsupLosses
    ) -> None:
        """Let losses of unlabeled images observe the labeled ones."""
        wanting = [loss for loss in losses.all if loss.needs_labeled]
        if wanting:
            logits = self.upsample(outputs['decode'].detach(), batch.size)
            for loss in wanting:
                loss.observe(logits, batch.labels)

    def unsup(
        self,
        logits: Tensor,
        targets: Targets,
        name: str = 'unsup',
        factor: float = 1.0,
        own: UnsupLosses | None = None,
    ) -> Losses:
        """Weighted losses of unlabeled images, figures of the targets.

        Args:
            logits: (M, C, h, w) of a student.
            targets: what it is to learn.
            name: the loss is called ``loss_<name>``; figures are logged for
                ``'unsup'`` only.
            factor: of these losses.
            own: losses of the student, where each has its own.
        """
        own = self.losses if own is None else own
        logits = self.upsample(logits, targets.labels.shape[-2:])
        weight = self.unsup_weight * factor
        # Soft labels are there for those that want them.
        hard = targets
        if targets.soft is not None:
            hard = targets.change(soft=None)
        given = targets if own.unsup.needs_soft else hard
        losses = named_losses(own.unsup(logits, given), f'loss_{name}', weight)
        for key, loss in own.further.items():
            key = f'loss_{key}' if name == 'unsup' else f'loss_{name}_{key}'
            given = targets if loss.needs_soft else hard
            losses.update(named_losses(loss(logits, given), key, weight))
        self.record('learned', None, targets)
        if name == 'unsup':
            losses.update(label_figures(targets))
        return losses

"""A student that learns from what its teacher sees in unlabeled images."""

import warnings

from mmsemi.registry import MODELS

from .batch import Batch
from .online import Losses, OnlineSegmentor


@MODELS.register_module()
class MeanTeacher(OnlineSegmentor):
    """Weak-to-strong consistency between a teacher and a student.

    Mean Teacher (Tarvainen and Valpola, NeurIPS 2017) with CutMix (French et
    al., BMVC 2020), and FixMatch (Sohn et al., NeurIPS 2020) with stronger
    views and a threshold: the teacher labels the weak view, the strong views
    are mixed together with their labels, and the student learns from labeled
    and mixed images. ``MeanTeacherHook`` moves the teacher.

    Args:
        semi_train_cfg: that of :class:`OnlineSegmentor`, and
            ``teacher_mode``: ``'eval'``, or ``'train'`` for batch statistics
            (and dropout) in the teacher.
        **kwargs: see :class:`OnlineSegmentor`.
    """

    sub_models = ('student', 'teacher')
    frozen_copies = ('teacher',)
    train_defaults = dict(OnlineSegmentor.train_defaults, teacher_mode='eval')

    def __init__(self, student: dict, *args, **kwargs) -> None:
        super().__init__(student, *args, **kwargs)
        if self.semi_train_cfg['teacher_mode'] not in ('eval', 'train'):
            raise ValueError(
                "teacher_mode must be 'eval' or 'train', got "
                f'{self.semi_train_cfg["teacher_mode"]!r}'
            )
        # Set by MeanTeacherHook.
        self.teacher_follows = False

    def step(self, batch: Batch) -> Losses:
        """Label, mix, learn."""
        targets = self.label(self.ask_teacher(batch.weak), batch)
        images, targets = self.mix(batch.strong[0], targets)
        sup, unsup = self.decode_joint(self.student, batch, images)
        return {
            **self.sup(self.student, sup, batch),
            **self.unsup(unsup['decode'], targets),
        }

    def ask_teacher(self, images):
        """Logits of the teacher in its mode, see :meth:`look`."""
        if self.training and not self.teacher_follows:
            warnings.warn(
                'nobody moves the teacher: add MeanTeacherHook to custom_hooks'
            )
        training = (
            self.training and self.semi_train_cfg['teacher_mode'] == 'train'
        )
        return self.look(self.teacher, images, training)

    def train(self, mode: bool = True) -> 'MeanTeacher':
        """Set the mode; the teacher trains only by ``teacher_mode``."""
        super().train(mode)
        # Loops call this in every iteration.
        self.teacher.train(
            mode and self.semi_train_cfg['teacher_mode'] == 'train'
        )
        return self

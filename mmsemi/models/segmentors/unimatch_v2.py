"""UniMatch V2: both perturbations in one stream, labels of a teacher."""

import torch

from mmsemi.registry import MODELS

from .batch import Batch
from .mean_teacher import MeanTeacher
from .online import Losses
from .unimatch import PerturbedViews


@MODELS.register_module()
class UniMatchV2(PerturbedViews, MeanTeacher):
    """Two strong views whose features complete each other (2410.10777).

    Yang et al., arXiv 2410.10777. An averaged teacher in eval mode labels
    the weak view; two strong views (colors and CutMix) go through the
    student, each with the half of the channels of its features that the
    other lacks (:class:`ComplementaryChannelDropout`):

        L = (L_x + (L_s1 + L_s2) / 2) / 2

    with the terms of :class:`UniMatch`. Labeled images have a forward of
    their own, without dropout.

    Published are a threshold of 0.95 everywhere, ``MeanTeacherHook`` with
    ``momentum=0.004, schedule='inverse', buffers='ema'``, CutMix from the
    batch in reverse order, DINOv2 with a DPT head and AdamW of 5e-6
    (backbone) and 2e-4 (head). Integer buffers of the teacher are copied,
    which the code averages and cuts off.

    Args:
        **kwargs: see :class:`PerturbedViews` and :class:`MeanTeacher`,
            without ``joint_forward``; ``sup_weight`` and ``unsup_weight``
            are 0.5 by default.
    """

    perturbs_pairs = True
    published_perturbation = dict(type='ComplementaryChannelDropout')
    train_defaults = dict(
        MeanTeacher.train_defaults, sup_weight=0.5, unsup_weight=0.5
    )
    del train_defaults['joint_forward']

    def step(self, batch: Batch) -> Losses:
        """Label once, perturb twice, learn."""
        targets = self.label(self.ask_teacher(batch.weak), batch)
        mixed = [self.mix(view, targets) for view in batch.strong]
        images = torch.cat([images for images, _ in mixed])
        sup = self.decode(self.student, batch.sup)
        strong = self.decode(
            self.student, images, auxiliary=False, perturb=self.perturbation
        )
        first, second = strong['decode'].chunk(2)
        return {
            **self.sup(self.student, sup, batch),
            **self.unsup(first, mixed[0][1], 'unsup', 0.5),
            **self.unsup(second, mixed[1][1], 'unsup_2', 0.5),
        }

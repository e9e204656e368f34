"""Soft pseudo-labels of CRST (confidence-regularized self-training)."""

import torch
from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.ops.maps import exp_, log_, max_over_classes, row_parts
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .cbst import CBSTPseudoLabeler


@MODELS.register_module()
class LRENTPseudoLabeler(CBSTPseudoLabeler):
    """Soft labels of CRST-LRENT (Zou et al., ICCV 2019), thresholds of CBST.

    The entropy of the label, weighted by alpha, joins the objective of CBST.
    Its minimizer is a softmax with temperature:

        z_c  = (log p_c - log lambda_c) / alpha
        soft = softmax(z), kept where logsumexp(z) > 0

    Every pixel that CBST labels is kept, with the same class as the most
    probable one; alpha towards 0 gives CBST. Everything stays in logarithms,
    where powers of p / lambda overflow.

    Args:
        num_classes: number of classes C.
        alpha: weight of the entropy, positive.
        per_class, ds_rate, prior, leading_zero: see
            :class:`CBSTPseudoLabeler`.
    """

    gives_soft = True

    def __init__(
        self,
        num_classes: int,
        alpha: float = 0.25,
        per_class: bool = True,
        ds_rate: int = 4,
        prior: str | None = None,
        leading_zero: bool = False,
    ) -> None:
        super().__init__(num_classes, per_class, ds_rate, prior, leading_zero)
        if alpha <= 0:
            raise ValueError(
                f'alpha must be positive, got {alpha}; '
                'CBSTPseudoLabeler is the limit of 0'
            )
        self.alpha = alpha

    @property
    def one_pass(self) -> bool:
        """Soft labels need the thresholds."""
        return False

    @torch.no_grad()
    def forward(
        self,
        probabilities: Tensor,
        valid: Tensor | None = None,
        progress: float = 0.0,
    ) -> Targets:
        """Labels with ``soft`` (N, C, H, W), of every pixel, kept or not."""
        soft = torch.empty_like(probabilities)
        found = [
            self._soften(rows, into)
            for rows, into in zip(
                row_parts(self.weigh(probabilities)), row_parts(soft)
            )
        ]
        labels, kept = (torch.cat(parts, 1) for parts in zip(*found))
        return Targets(
            labels.masked_fill(~kept, IGNORE),
            probabilities.amax(1),
            kept.float(),
            valid,
            soft,
        )

    def _soften(self, weighed: Tensor, soft: Tensor) -> tuple[Tensor, Tensor]:
        """Soft labels of some rows, with a single exponential.

        Args:
            weighed: (N, C, h, W) float32.
            soft: of the same shape, written to.

        Returns:
            Most probable class (N, h, W) int64, and whether it is kept.
        """
        tiny = torch.finfo(torch.float32).tiny
        z = log_(weighed.clamp(min=tiny))
        z = z.sub_(self.thresholds.log()[:, None, None]).div_(self.alpha)
        top = z.amax(1, keepdim=True)
        powers = exp_(z.sub_(top))
        total = powers.sum(1, keepdim=True)
        torch.div(powers, total, out=soft)
        kept = (top + total.log())[:, 0] > 0
        return max_over_classes(soft)[1], kept

    def extra_repr(self) -> str:
        return f'{super().extra_repr()}, alpha={self.alpha}'

from collections.abc import Sequence

from mmseg.models.decode_heads import DPTHead
from torch import Tensor

from mmsemi.registry import MODELS


@MODELS.register_module()
class PatchDPTHead(DPTHead):
    """mmseg's ``DPTHead`` for maps of patch tokens without a class token.

    Ranftl et al., "Vision Transformers for Dense Prediction", ICCV 2021.
    Takes four levels (N, D, h, w) of one size, as :class:`DINOv2` gives
    them, where mmseg's expects a class token with each.

    Args:
        **kwargs: see there; ``readout_type`` stays ``'ignore'``.
    """

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits of maps, as pairs whose class token nobody reads."""
        return super().forward([(level, None) for level in inputs])

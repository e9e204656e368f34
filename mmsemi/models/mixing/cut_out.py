from torch import Tensor

from mmsemi.models.targets import Targets
from mmsemi.registry import MODELS
from mmsemi.utils.labels import IGNORE

from .cut_mix import CutMix


@MODELS.register_module()
class CutOut(CutMix):
    """Blank out boxes: no image there (0 after normalization), no label.

    DeVries and Taylor, 2017; an option of U2PL. Inside the box labels are
    255 and all other maps 0, but ``valid`` stays: what is cut out is no
    padding, and a loss that counts all pixels of an image counts it.

    Args:
        box: rule of the boxes, see :class:`CutMix`.
        box_cfg: options of the rule.
        prob: probability of cutting.
        per_image: one coin for every image, not one for the whole batch.
    """

    def __init__(
        self,
        box: str = 'u2pl',
        box_cfg: dict = None,
        prob: float = 0.5,
        per_image: bool = False,
    ) -> None:
        super().__init__(box, box_cfg, prob, per_image)

    def mix(
        self,
        images: Tensor,
        targets: Targets,
        mask: Tensor,
        other: Targets | None = None,
        pasted: Tensor | None = None,
    ) -> tuple[Tensor, Targets]:
        """Cut by a given mask; no other image takes part."""

        def blank(tensor: Tensor, value: int = 0) -> Tensor:
            inside = mask[:, None] if tensor.ndim == 4 else mask
            return tensor.masked_fill(inside, value)

        def cut(maps: Targets | None) -> Targets | None:
            if maps is None:
                return None
            return maps.each(blank).change(
                labels=blank(maps.labels, IGNORE),
                valid=maps.valid,
                beside=cut(maps.beside),
            )

        return blank(images), cut(targets)

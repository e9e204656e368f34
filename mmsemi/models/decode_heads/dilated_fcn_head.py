from mmseg.models.decode_heads import FCNHead
from torch import nn

from mmsemi.registry import MODELS


@MODELS.register_module()
class DilatedFCNHead(FCNHead):
    """FCN head whose classifier is a dilated convolution, too.

    Head of CBST's ResNet-38 (Zou et al., ECCV 2018): a dilated 3x3
    convolution with bias and ReLU, then one of the same kind to the classes.

    Args:
        num_convs: dilated convolutions before the classifier.
        dilation: of all convolutions; CBST has 12.
        norm_cfg: config of the normalization, None for none as in CBST.
        dropout_ratio: dropout before the classifier.
        **kwargs: see mmseg's ``FCNHead``.
    """

    def __init__(
        self,
        num_convs: int = 1,
        dilation: int = 12,
        norm_cfg: dict | None = None,
        dropout_ratio: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(
            num_convs=num_convs,
            dilation=dilation,
            concat_input=False,
            norm_cfg=norm_cfg,
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        self.conv_seg = nn.Conv2d(
            self.channels,
            self.out_channels,
            self.kernel_size,
            padding=self.kernel_size // 2 * dilation,
            dilation=dilation,
        )

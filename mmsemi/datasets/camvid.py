from mmseg.datasets import BaseSegDataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid with 11 classes at 480x360, the split of SegNet.

    Frames of driving videos (Brostow et al., Pattern Recognition Letters
    2009): 367 train, 101 val and 233 test images. Folders
    ``images/{train,val,test}`` and ``annotations/{train,val,test}``; masks
    hold ids 0..10 and 255 = ignore. Lines of a list are file stems, with
    the folder in front where a list spans several.
    """

    METAINFO = dict(
        classes=(
            'sky',
            'building',
            'pole',
            'road',
            'pavement',
            'tree',
            'sign_symbol',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )

    def __init__(
        self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs
    ) -> None:
        super().__init__(
            img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs
        )

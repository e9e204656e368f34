from mmseg.datasets import BaseSegDataset, COCOStuffDataset

from mmsemi.registry import DATASETS

THINGS = 80


@DATASETS.register_module()
class COCOThingsDataset(BaseSegDataset):
    """COCO 2017 (Lin et al., ECCV 2014), its 80 objects and what is none.

    118287 training and 5000 validation images, as UniMatch uses them (Yang
    et al., CVPR 2023): 81 classes, of which 0 is all that is no object and
    counts as one, and 1 to 80 are the objects in the order of their ids.
    Masks are PNG files of these numbers with the names of the images, 255 is
    ignored. Lines of a list are file stems, such as ``000000000009``.
    """

    # The objects come first among the classes of COCO-Stuff.
    METAINFO = dict(
        classes=('background', *COCOStuffDataset.METAINFO['classes'][:THINGS]),
        palette=[[0, 0, 0], *COCOStuffDataset.METAINFO['palette'][:THINGS]],
    )

    def __init__(
        self, img_suffix: str = '.jpg', seg_map_suffix: str = '.png', **kwargs
    ) -> None:
        super().__init__(
            img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs
        )

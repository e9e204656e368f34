from mmseg.datasets import CityscapesDataset

from mmsemi.registry import DATASETS


@DATASETS.register_module()
class GTA5Dataset(CityscapesDataset):
    """GTA5 (Richter et al., ECCV 2016) with the 19 classes of Cityscapes.

    24966 frames of a game, the source of GTA5 -> Cityscapes. Folders
    ``images`` and ``labels`` as ``tools/dataset_converters/gta5.py`` writes
    them; masks hold training ids and 255 = ignore. Lines of a list are file
    stems, such as ``00001``.
    """

    def __init__(
        self,
        img_suffix: str = '.png',
        seg_map_suffix: str = '_labelTrainIds.png',
        **kwargs,
    ) -> None:
        super().__init__(
            img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs
        )

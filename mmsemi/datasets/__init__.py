from .camvid import CamVidDataset
from .coco_things import COCOThingsDataset
from .gta5 import GTA5Dataset
from .lists import read_lists_as_written
from .pseudo_label import PseudoLabelDataset
from .samplers import (
    BatchShardSampler,
    CutMixPartnerSampler,
    SourceRatioSampler,
    SourceSubsetSampler,
)
from .semi import SemiDataset
from .shapes import ShapesDataset
from .synthia import SYNTHIADataset
from .transforms import *  # noqa: F401, F403
from .transforms import __all__ as _transforms
from .unlabeled import UnlabeledDataset

read_lists_as_written()

__all__ = [
    'BatchShardSampler',
    'COCOThingsDataset',
    'CamVidDataset',
    'CutMixPartnerSampler',
    'GTA5Dataset',
    'PseudoLabelDataset',
    'SYNTHIADataset',
    'SemiDataset',
    'ShapesDataset',
    'SourceRatioSampler',
    'SourceSubsetSampler',
    'UnlabeledDataset',
] + _transforms

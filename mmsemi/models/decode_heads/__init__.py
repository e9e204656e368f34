from .correlation_branch import CorrelationBranch
from .deeplabv2_head import DeepLabV2Head
from .deeplabv3plus_head import DeepLabV3PlusHead
from .dilated_fcn_head import DilatedFCNHead
from .lateral_sum_head import LateralSumHead
from .patch_dpt_head import PatchDPTHead
from .representation_head import (
    LateralSumRepresentationHead,
    RepresentationHead,
    RepresentationMixin,
    SepASPPRepresentationHead,
)
from .semantic_embedding_head import SemanticEmbeddingHead

__all__ = [
    'CorrelationBranch',
    'DeepLabV2Head',
    'DeepLabV3PlusHead',
    'DilatedFCNHead',
    'LateralSumHead',
    'LateralSumRepresentationHead',
    'PatchDPTHead',
    'RepresentationHead',
    'RepresentationMixin',
    'SemanticEmbeddingHead',
    'SepASPPRepresentationHead',
]

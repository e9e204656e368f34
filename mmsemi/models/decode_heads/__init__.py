from .deeplabv2_head import DeepLabV2Head
from .dilated_fcn_head import DilatedFCNHead
from .lateral_sum_head import LateralSumHead
from .semantic_embedding_head import SemanticEmbeddingHead

__all__ = [
    'DeepLabV2Head', 'DilatedFCNHead', 'LateralSumHead',
    'SemanticEmbeddingHead'
]

from .batch_shard import BatchShardSampler
from .cutmix_partner import CutMixPartnerSampler
from .source_ratio import SourceRatioSampler
from .source_subset import SourceSubsetSampler

__all__ = [
    'BatchShardSampler',
    'CutMixPartnerSampler',
    'SourceRatioSampler',
    'SourceSubsetSampler',
]

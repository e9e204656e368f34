from .batch_shard import BatchShardSampler
from .source_ratio import SourceRatioSampler
from .source_subset import SourceSubsetSampler

__all__ = ['BatchShardSampler', 'SourceRatioSampler', 'SourceSubsetSampler']

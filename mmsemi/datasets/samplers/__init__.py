from .batch_shard import BatchShardSampler
from .source_ratio import SourceRatioSampler

__all__ = ['BatchShardSampler', 'SourceRatioSampler']

from .channels_last_hook import ChannelsLastHook
from .class_frequency_hook import ClassFrequencyHook
from .collapse_hook import CollapseHook
from .compile_hook import CompileHook
from .cutmix_partner_hook import CutMixPartnerHook
from .divergence_hook import DivergenceHook
from .early_stopping_hook import EarlyStoppingHook
from .export_hook import ExportHook
from .forward_count_hook import ForwardCountHook
from .generator_refresh_hook import GeneratorRefreshHook
from .keep_weights_hook import KeepWeightsHook
from .mask_watch_hook import MaskWatchHook
from .mean_teacher_hook import MeanTeacherHook
from .outside_labels_hook import OutsideLabelsHook
from .progress_hook import ProgressHook
from .pseudo_label_audit_hook import PseudoLabelAuditHook
from .pseudo_label_hook import PseudoLabelHook
from .reliable_first_hook import ReliableFirstHook
from .round_picture_hook import RoundPictureHook
from .run_summary_hook import RunSummaryHook
from .runtime_info_hook import RuntimeInfoHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .training_picture_hook import TrainingPictureHook
from .view_picture_hook import ViewPictureHook

__all__ = [
    'ChannelsLastHook',
    'ClassFrequencyHook',
    'CollapseHook',
    'CompileHook',
    'CutMixPartnerHook',
    'DivergenceHook',
    'EarlyStoppingHook',
    'ExportHook',
    'ForwardCountHook',
    'GeneratorRefreshHook',
    'KeepWeightsHook',
    'MaskWatchHook',
    'MeanTeacherHook',
    'OutsideLabelsHook',
    'ProgressHook',
    'PseudoLabelAuditHook',
    'PseudoLabelHook',
    'ReliableFirstHook',
    'RoundPictureHook',
    'RunSummaryHook',
    'RuntimeInfoHook',
    'SafeCheckpointHook',
    'TrainingPictureHook',
    'ViewPictureHook',
]

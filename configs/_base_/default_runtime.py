# What every run shares; as it is, that of a run in rounds.
default_scope = 'mmsemi'
regime = 'rounds'  # which images a step sees, see `data`
# Registers what old checkpoints need before any is read.
custom_imports = dict(imports=['mmsemi'], allow_failed_imports=False)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Labeling is shared out over the ranks, but they may finish far apart.
    dist_cfg=dict(backend='nccl', timeout=7200),
)
sync_bn = True  # several GPUs share the statistics of BatchNorm
randomness = dict(seed=0)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='LazyVisualizer', vis_backends=vis_backends, name='visualizer'
)
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', interval=500),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # Several processes: BatchNorm statistics are averaged to validate.
    sync_buffers=dict(type='SyncBuffersHook'),
    visualization=dict(type='SegVisualizationHook'),
    divergence=dict(type='DivergenceHook'),
    progress=dict(type='ProgressHook'),
    summary=dict(type='RunSummaryHook'),
    pictures=dict(type='RoundPictureHook'),
    weights=dict(type='KeepWeightsHook'),
    export=dict(type='ExportHook'),
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

# SGD at a constant learning rate, as CBST and CRST use it. `lr_scale` of
# SelfTrainingLoop changes it from round to round.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = None

# SGD and poly as in AdvSemiSeg, DST-CBC and DMT: one learning rate for
# backbone and head, weight decay on every parameter, no warm-up. Loops in
# rounds fill in `end`; plain training sets it to max_iters + 1, because
# mmengine reaches the final value one step before `end`.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.002, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)]

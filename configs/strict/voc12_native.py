# voc12 evaluated on images of their own size, not warped to 513x513.
_base_ = './voc12.py'
val_dataloader = dict(dataset=dict(pipeline=_base_.native_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(prefix='native')
test_evaluator = val_evaluator

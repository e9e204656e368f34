# AEL with ResNet-101, in whatever data set.
_base_ = [
    '../models/deeplabv3plus_r101-deep-stem_ohem.py',
    '../schedules/sgd_poly.py',
    '../online_runtime.py',
    '../ael_published.py',
]
model = dict(
    _delete_=True,
    type='AEL',
    student=_base_.model,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler'),
    unsup_loss=dict(per_device=8),
    mixing=dict(type='AdaptiveCutMix'),
    copy_paste=dict(type='AdaptiveCopyPaste'),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = _base_.ael_optim_wrapper
train_cfg = dict(val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
    partners=dict(type='CutMixPartnerHook'),
)

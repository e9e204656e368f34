# CPS with CutMix on Cityscapes as published: cityscapes_372.py with labels of
# unlabeled images alone, mixed by three boxes.
_base_ = ['./cityscapes_372.py']
model = dict(
    mixing=dict(
        type='CutMix',
        box='cutmix_seg',
        box_cfg=dict(count=3, share=(0.25, 0.5)),
        prob=1.0,
    ),
    semi_train_cfg=dict(unsup_weight=5.0),
)

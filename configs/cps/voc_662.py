# CPS on VOC 2012 as published, with the lists of its authors: 662 labeled and
# 9920 unlabeled images (--split cps_1-8 and cps_1-4: 1323 and 2646), crops of
# 512, four processes of 2 + 2 images there, one batch of 8 + 8 here. Both
# students are validated.
_base_ = ['../_base_/methods/cps.py', '../_base_/datasets/voc12_u2pl.py']
data = dict(
    _base_.cps_data,
    split='cps_1-16',
    splits={
        'cps_1-16': dict(epochs=32),
        'cps_1-8': dict(epochs=34),
        'cps_1-4': dict(epochs=40),
    },
    crop_size=(512, 512),
)
model = dict(
    student=dict(
        test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(342, 342))
    ),
    semi_train_cfg=dict(unsup_weight=1.5),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))

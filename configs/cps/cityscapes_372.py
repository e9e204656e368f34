# CPS on Cityscapes as published, with the lists of its authors: 372 labeled
# and 2603 unlabeled images (--split cps_1-16, cps_1-4 and cps_1-2: 186, 744
# and 1488), crops of 800, eight processes of 1 + 1 images there, one batch of
# 8 + 8 here. Both students are validated.
_base_ = ['../_base_/methods/cps.py', '../_base_/datasets/cityscapes_cps.py']
data = dict(
    _base_.cps_data,
    split='cps_1-8',
    splits={
        'cps_1-2': dict(epochs=240),
        'cps_1-4': dict(epochs=160),
        'cps_1-8': dict(epochs=137),
        'cps_1-16': dict(epochs=128),
    },
    crop_size=(800, 800),
    epoch=dict(processes=1),  # whole batches of the set
)
model = dict(
    student=dict(
        # 50000 pixels in each of 8 processes with one labeled image, as
        # published.
        decode_head=dict(
            loss_decode=dict(
                _delete_=True,
                type='OHEMCrossEntropyLoss',
                thresh=0.7,
                min_kept=50000,
                per_device=8,
            )
        ),
        test_cfg=dict(mode='slide', crop_size=(800, 800), stride=(534, 534)),
    ),
    semi_train_cfg=dict(unsup_weight=6.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.02))

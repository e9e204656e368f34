# CPS on Cityscapes as published, with the lists of its authors: 372 labeled
# and 2603 unlabeled images (--split cps_1-16, cps_1-4 and cps_1-2: 186, 744
# and 1488), crops of 800, eight processes of 1 + 1 images there, one batch of
# 8 + 8 here. Both students are validated.
_base_ = ['../_base_/methods/cps.py', '../_base_/datasets/cityscapes.py']
epochs = {2: 240, 4: 160, 8: 137, 16: 128}
numbers = {2: 1488, 4: 744, 8: 372, 16: 186}
data = dict(
    _base_.cps_data,
    split='cps_1-8',
    splits={
        f'cps_1-{k}': dict(
            labeled=n,
            unlabeled=2975 - n,
            epochs=epochs[k],
            lists=f'data/splits/cityscapes/unimatch/1_{k}',
        )
        for k, n in numbers.items()
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

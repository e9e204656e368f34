# UniMatch V2 on Cityscapes, 744 labeled and 2231 unlabeled images, as
# published with DINOv2-B: four processes of 2 + 2 images there, one batch of
# 8 + 8 here. The lists are the published ones, those of CPS (--split cps_1-16,
# cps_1-8 and cps_1-2: 186, 372 and 1488); --split 744 takes U2PL's.
_base_ = [
    '../_base_/methods/unimatch_v2.py',
    '../_base_/datasets/cityscapes_cps.py',
]
data = dict(
    _base_.unimatch_data,
    crop_size=(798, 798),
    batch=dict(alone=8, labeled=8, unlabeled=8),
    epoch=dict(processes=4),
)
model = dict(
    student=dict(
        # 200000 pixels in each of 4 processes with two labeled images, as
        # published.
        decode_head=dict(
            loss_decode=dict(
                _delete_=True,
                type='OHEMCrossEntropyLoss',
                thresh=0.7,
                min_kept=200000,
                per_device=4,
            )
        ),
        test_cfg=dict(
            _delete_=True,
            mode='slide',
            crop_size=(798, 798),
            stride=(532, 532),
            added='probabilities',
        ),
    )
)
train_cfg = dict(max_iters='180 epochs')

# UniMatch on Cityscapes, 744 labeled and 2231 unlabeled images, as published
# but for the network (ResNet-101): every pixel counts, whatever its
# confidence. The lists are the published ones, those of CPS (--split cps_1-16,
# cps_1-8 and cps_1-2: 186, 372 and 1488); --split 744 takes U2PL's.
_base_ = [
    '../_base_/methods/unimatch.py',
    '../_base_/datasets/cityscapes_cps.py',
]
data = dict(
    _base_.unimatch_data,
    crop_size=(801, 801),
    batch=dict(alone=8, labeled=8, unlabeled=8),
    epoch=dict(processes=4),
)
model = dict(
    student=dict(
        type='FlexibleEncoderDecoder',
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
            mode='slide',
            crop_size=(801, 801),
            stride=(534, 534),
            added='probabilities',
            border='cut',
        ),
    ),
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.005))
train_cfg = dict(max_iters='240 epochs')

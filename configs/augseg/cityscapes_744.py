# AugSeg on Cityscapes, 744 labeled and 2231 unlabeled images, as published
# with ResNet-101: four processes of 4 + 4 images there, one batch of 16 + 16
# here. Every pixel counts. The lists are U2PL's; --split FOLDER takes others.
_base_ = ['../_base_/methods/augseg.py', '../_base_/datasets/cityscapes.py']
data = dict(
    crop_size=(800, 800),
    augment=[
        dict(
            type='RandomResize',
            scale=(2048, 1024),  # width, height
            ratio_range=(0.5, 2.0),
            resize_type='TorchResize',
            keep_ratio=True,
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=[dict(type='RandomIntensityAug')],
    epoch=dict(processes=4),
)
model = dict(
    student=dict(
        type='FlexibleEncoderDecoder',
        # 100000 pixels in each of 4 processes with four labeled images, as
        # published.
        decode_head=dict(
            loss_decode=dict(
                _delete_=True,
                type='OHEMCrossEntropyLoss',
                thresh=0.7,
                min_kept=100000,
                per_device=4,
            )
        ),
        test_cfg=dict(
            _delete_=True,
            mode='slide',
            crop_size=(800, 800),
            stride=(533, 533),
            added='probabilities',
        ),
    ),
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.01, weight_decay=5e-4))
train_cfg = dict(max_iters='240 epochs')
hooks = dict(teacher=dict(momentum=0.004))

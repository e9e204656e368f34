# AugSeg on Cityscapes, 744 labeled and 2231 unlabeled images, as published
# with ResNet-101: four processes of 4 + 4 images there, one batch of 16 + 16
# here. Every pixel counts. The lists are U2PL's; --split FOLDER takes others.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_d16.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
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
student = _base_.model
student.backbone.update(
    multi_grid=(2, 4, 8),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
    ),
)
# 100000 pixels in each of 4 processes with four labeled images, as published.
student.decode_head.loss_decode = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=100000, per_device=4
)
student.type = 'FlexibleEncoderDecoder'
student.test_cfg = dict(
    mode='slide',
    crop_size=(800, 800),
    stride=(533, 533),
    added='probabilities',
)
model = dict(
    _delete_=True,
    type='AugSeg',
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = dict(optimizer=dict(lr=0.01, weight_decay=5e-4))
train_cfg = dict(max_iters='240 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.004,
        schedule='inverse',
        # The student itself labels in the first pass.
        copy_until='1 epochs',
        buffers='ema',
    )
)

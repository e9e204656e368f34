# UniMatch on Cityscapes, 744 labeled and 2231 unlabeled images, as published
# but for the network (ResNet-101): every pixel counts, whatever its
# confidence. The lists are U2PL's; --split FOLDER takes UniMatch's own.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_d16.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
    '../_base_/strong_colors.py',
]
data = dict(
    crop_size=(801, 801),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
    batch=dict(alone=8, labeled=8, unlabeled=8),
    epoch=dict(processes=4),
)
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/resnet101_deep-stem_mmseg.pth'
)
# 200000 pixels in each of 4 processes with two labeled images, as published.
student.decode_head.loss_decode = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=200000, per_device=4
)
student.type = 'FlexibleEncoderDecoder'
student.test_cfg = dict(
    mode='slide',
    crop_size=(801, 801),
    stride=(534, 534),
    added='probabilities',
    border='cut',
)
model = dict(
    _delete_=True,
    type='UniMatch',
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.0),
)
optim_wrapper = dict(optimizer=dict(lr=0.005, weight_decay=1e-4))
train_cfg = dict(max_iters='240 epochs', val_interval=2000)

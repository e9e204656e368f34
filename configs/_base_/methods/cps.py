# CPS with ResNet-50 at output stride 16, in whatever data set. Both students
# are validated.
_base_ = [
    '../models/deeplabv3plus_r50-d8.py',
    '../schedules/sgd_poly.py',
    '../online_runtime.py',
]
student = _base_.model
student.pop('auxiliary_head')
student.backbone.update(
    dilations=(1, 1, 1, 2),
    strides=(1, 2, 2, 1),
    multi_grid=(2, 4, 8),
    init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
)
student.decode_head.dilations = (1, 6, 12, 18)
model = dict(_delete_=True, type='CPS', student=student)
cps_data = dict(
    augment=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='Resize', scale_factor=factor, keep_ratio=True)]
                for factor in (0.5, 0.75, 1.0, 1.5, 1.75, 2.0)
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    views=0,
    batch=dict(alone=8, labeled=8, unlabeled=8),
)
# With CutMix: labels of unlabeled images alone, mixed by three boxes.
cps_mixing = dict(
    type='CutMix',
    box='cutmix_seg',
    box_cfg=dict(count=3, share=(0.25, 0.5)),
    prob=1.0,
)
optim_wrapper = dict(
    optimizer=dict(weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
train_cfg = dict(max_iters='{epochs} epochs', val_interval=2000)
val_cfg = dict(type='AllNetworksValLoop')

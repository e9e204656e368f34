# Batches and learning rates of AEL as published, alone and under U2PL.
paste_scale = dict(
    type='RandomChoice',
    transforms=[
        [dict(type='RandomScale', ratio_range=(0.1, 1.0))],
        [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
    ],
)
# Eight processes, each with two labeled images, two to be pasted into them,
# one unlabeled image and a partner for it, as published.
ael_data = dict(
    batch=dict(labeled=16, paste=16, unlabeled=8),
    partners=True,
    paste=[
        paste_scale,
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
)
# What the published rate of 0.01, weight decay of 1e-4 and heads of ten times
# that amount to: its code divides losses by the number of processes, eight,
# once more than gradients are averaged. For SGD with momentum a gradient of an
# eighth is a rate of an eighth with eight times the weight decay.
ael_optim_wrapper = dict(
    optimizer=dict(lr=0.01 / 8, weight_decay=8 * 1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)

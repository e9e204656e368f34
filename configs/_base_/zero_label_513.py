# The protocol of SPNet and STRICT: images and labels warped to 513x513, crops
# of 321.
warped = dict(
    test_resize=[dict(type='Resize', scale=(513, 513))],
    evaluator=dict(prefix='warped-513'),
)
# Images of their own size.
native = dict(test_resize=[], evaluator=dict(prefix='native'))
data = dict(
    labeled=dict(type='BaseSegDataset'),
    load=dict(to_float32=True),
    resize=[dict(type='Resize', scale=(513, 513))],  # whatever the aspect
    crop_size=(321, 321),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(  # the color that becomes 0
            type='CenterPadFields',
            size=(513, 513),
            pad_val=(104.008, 116.669, 122.675),
        ),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
    ],
    # Published for the rounds: padding is black, nine of ten are mirrored.
    round_augment=[
        dict(type='RandomScale', ratio_range=(0.5, 1.5)),
        dict(type='CenterPadFields', size=(513, 513)),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.9),
    ],
    batch=dict(alone=10, rounds=8, val=1),
    evaluator=dict(type='GeneralizedZeroLabelMetric'),
)

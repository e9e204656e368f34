# The procedural set: 384 training images of 64x64, 12 of them labeled, and
# 96 for validation. Drawn below data_root on first use.
data = dict(
    labeled=dict(
        type='ShapesDataset',
        data_root='data/shapes',
        data_prefix=dict(
            img_path='images/train', seg_map_path='annotations/train'
        ),
    ),
    val=dict(
        data_prefix=dict(img_path='images/val', seg_map_path='annotations/val')
    ),
    lists='splits/{split}',
    split='1_32',
    splits={
        '1_32': dict(labeled=12, unlabeled=372, lists='splits/1_32/seed0')
    },
    crop_size=(64, 64),
    augment=[
        dict(type='RandomScale', ratio_range=(0.75, 1.5)),
        dict(type='PadSegFields'),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
        dict(
            type='PhotoMetricDistortion',
            brightness_delta=16,
            contrast_range=(0.8, 1.2),
            saturation_range=(0.8, 1.2),
            hue_delta=4,
        ),
    ],
    tta_scales=(1.0, 1.5),
    batch=dict(alone=8, labeled=8, unlabeled=8, label=32, val=32),
    # With the training process one worker fills two cores.
    num_workers=1,
    label_workers=0,
    val_workers=0,
)

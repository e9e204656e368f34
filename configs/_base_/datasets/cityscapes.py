# Cityscapes, 19 classes, trained and evaluated at full resolution, with the
# lists and crops of U2PL: 16 labeled and 16 unlabeled images a batch, crops
# of 769, half of the images shrunk.
root = 'data/cityscapes'
data = dict(
    labeled=dict(
        type='CityscapesDataset',
        data_prefix=dict(
            img_path=f'{root}/leftImg8bit/train',
            seg_map_path=f'{root}/gtFine/train',
        ),
    ),
    val=dict(  # all 500 images of the folder
        data_prefix=dict(
            img_path=f'{root}/leftImg8bit/val',
            seg_map_path=f'{root}/gtFine/val',
        )
    ),
    lists='data/splits/cityscapes/u2pl/{split}',
    split='744',
    splits={
        str(n): dict(labeled=n, unlabeled=2975 - n)
        for n in (186, 372, 744, 1488)
    },
    epoch=dict(processes=8),
    load=dict(to_float32=True),
    crop_size=(769, 769),
    augment=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='RandomScale', ratio_range=(0.5, 1.0))],
                [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    tta_scales=(0.5, 0.75, 1.0, 1.25, 1.5, 1.75),
    batch=dict(alone=16, labeled=16, unlabeled=16, label=2, val=1),
    num_workers=8,
    label_workers=4,
    val_workers=4,
)

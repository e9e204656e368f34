# COCO 2017, 80 objects and what is none, 118287 training and 5000 validation
# images, evaluated on whole images of their own size. Masks are those of
# UniMatch. Published splits are fractions by name; their lists are not part of
# this package and may differ by an image from the numbers here, that are
# rounded.
root = 'data/coco'
data = dict(
    labeled=dict(
        type='COCOThingsDataset',
        data_prefix=dict(
            img_path=f'{root}/train2017', seg_map_path=f'{root}/masks'
        ),
    ),
    val=dict(
        data_prefix=dict(
            img_path=f'{root}/val2017', seg_map_path=f'{root}/masks'
        )
    ),
    lists='data/splits/coco/unimatch/{split}',
    split='1_128',
    splits={
        f'1_{part}': dict(
            labeled=round(118287 / part),
            unlabeled=118287 - round(118287 / part),
        )
        for part in (512, 256, 128, 64, 32)
    },
    epoch=dict(processes=4),
    crop_size=(513, 513),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    batch=dict(alone=16, labeled=16, unlabeled=16),
    num_workers=8,
    val_workers=4,
)

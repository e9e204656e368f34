# ADE20K, 150 classes, 20210 training and 2000 validation images in the folders
# of mmseg, evaluated on whole images of their own size. Published splits are
# fractions by name; their lists are UniMatch V2's, which are not part of this
# package and may differ by an image from the numbers here, that are rounded.
root = 'data/ade/ADEChallengeData2016'
data = dict(
    labeled=dict(
        type='ADE20KDataset',
        data_prefix=dict(
            img_path=f'{root}/images/training',
            seg_map_path=f'{root}/annotations/training',
        ),
    ),
    val=dict(
        data_prefix=dict(
            img_path=f'{root}/images/validation',
            seg_map_path=f'{root}/annotations/validation',
        )
    ),
    lists='data/splits/ade20k/unimatch_v2/{split}',
    split='1_16',
    splits={
        f'1_{part}': dict(
            labeled=round(20210 / part), unlabeled=20210 - round(20210 / part)
        )
        for part in (64, 32, 16, 8, 4)
    },
    epoch=dict(processes=4),
    crop_size=(512, 512),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    batch=dict(alone=8, labeled=8, unlabeled=8),
    num_workers=8,
    val_workers=4,
)

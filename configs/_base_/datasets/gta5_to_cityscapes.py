# GTA5 (source, labeled) -> Cityscapes train (target, no labels), 19 classes,
# evaluated on Cityscapes val at full resolution. All images of the folders;
# `--split crst/505` takes the published lists.
root = 'data/cityscapes'
# The classes of SYNTHIA, all and without wall, fence and pole.
classes13 = [
    *('road', 'sidewalk', 'building', 'traffic light', 'traffic sign'),
    *('vegetation', 'sky', 'person', 'rider', 'car', 'bus', 'motorcycle'),
    'bicycle',
]
classes16 = classes13[:3] + ['wall', 'fence', 'pole'] + classes13[3:]
# Of an image's own size, for GTA5's 1914 pixels as for Cityscapes' 2048.
wide = dict(type='RandomScale', ratio_range=(0.7, 1.3))
scale = dict(type='RandomScale', ratio_range=(0.5, 1.5))
crop = dict(type='RandomCrop')
pad_and_flip = [dict(type='PadSegFields'), dict(type='RandomFlip', prob=0.5)]
rare_crop = dict(type='RareClassCrop', prob=0.8)
rarest_crop = dict(rare_crop, inside=True, use_rarest=True)
data = dict(
    labeled=dict(
        type='GTA5Dataset',  # from tools/dataset_converters/gta5.py
        data_prefix=dict(
            img_path='data/gta5/images', seg_map_path='data/gta5/labels'
        ),
    ),
    # The masks are for reports on the pseudo-labels, where they exist.
    unlabeled=dict(
        type='CityscapesDataset',
        data_prefix=dict(
            img_path=f'{root}/leftImg8bit/train',
            seg_map_path=f'{root}/gtFine/train',
        ),
    ),
    val=dict(
        type='CityscapesDataset',
        data_prefix=dict(
            img_path=f'{root}/leftImg8bit/val',
            seg_map_path=f'{root}/gtFine/val',
        ),
    ),
    lists='data/splits/gta5_to_cityscapes/{split}',
    split='all',
    splits=dict(all=dict(labeled=24966, unlabeled=2975, lists=('', ''))),
    load=dict(to_float32=True),
    variant='crst',
    variants=dict(
        # Only the target is searched for rare classes, in its pseudo-labels.
        crst=dict(
            crop_size=(512, 1024),
            augment=[scale, crop, *pad_and_flip],
            round_augment=[scale, rare_crop, *pad_and_flip],
            tta_scales=(0.9, 1.0, 1.2),  # of the script, not of the paper
            batch=dict(alone=4),
            round_sampler=dict(
                portions=dict(rounds=3), policy='resample', subset_seed=3
            ),
        ),
        # Rare classes searched for in source and target; the source images
        # of a round added to those before.
        cbst=dict(
            crop_size=(504, 504),
            augment=[wide, crop, *pad_and_flip],
            sup_augment=[wide, rarest_crop, *pad_and_flip],
            round_augment=[wide, rarest_crop, *pad_and_flip],
            tta_scales=(0.5, 0.75, 1.0),
            batch=dict(alone=16),
            round_sampler=dict(
                portions=dict(rounds=6), policy='cumulative', subset_seed=0
            ),
        ),
    ),
    round_sampler=dict(
        type='SourceSubsetSampler',
        portions=dict(start=0.03, step=0.0025, stop=0.06),
    ),
    batch=dict(rounds=2, label=1, val=1),
    evaluator=dict(
        type='SubsetIoUMetric',
        subsets=dict(mIoU16=classes16, mIoU13=classes13),
    ),
)

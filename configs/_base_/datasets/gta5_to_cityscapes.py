# GTA5 (source, labeled) -> Cityscapes train (target, no labels), 19 classes,
# evaluated on Cityscapes val at full resolution. All images of the folders;
# `--split crst/505` takes the published lists.
_base_ = ['../to_cityscapes.py']
scale, wide, crop = _base_.scale, _base_.wide, _base_.crop
pad_and_flip = _base_.pad_and_flip
data = dict(
    labeled=dict(
        type='GTA5Dataset',  # from tools/dataset_converters/gta5.py
        data_prefix=dict(
            img_path='data/gta5/images', seg_map_path='data/gta5/labels'
        ),
    ),
    lists='data/splits/gta5_to_cityscapes/{split}',
    split='all',
    splits=dict(all=dict(labeled=24966, unlabeled=2975, lists=('', ''))),
    variant='crst',
    variants=dict(
        # Only the target is searched for rare classes, in its pseudo-labels.
        crst=dict(
            crop_size=(512, 1024),
            augment=[scale, crop, *pad_and_flip],
            round_augment=[scale, _base_.rare_crop, *pad_and_flip],
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
            sup_augment=[wide, _base_.rarest_crop, *pad_and_flip],
            round_augment=[wide, _base_.rarest_crop, *pad_and_flip],
            tta_scales=(0.5, 0.75, 1.0),
            batch=dict(alone=16),
            round_sampler=dict(
                portions=dict(rounds=6), policy='cumulative', subset_seed=0
            ),
        ),
    ),
)

# SYNTHIA-RAND-CITYSCAPES (source, labeled) -> Cityscapes train (target, no
# labels), 16 classes; means over 16 and 13 of them. Size of the source, crop
# and scales of CRST (its issues 14 and 18).
_base_ = ['./gta5_to_cityscapes.py']
# Nothing happens to images that were converted to this size.
source_size = dict(type='TorchResize', scale=(2048, 1024))  # width, height
source = [source_size, dict(type='RandomScale', ratio_range=(0.8, 1.2))]
target = dict(type='RandomScale', ratio_range=(0.6, 1.5))
crop, rare_crop, pad_and_flip = (
    _base_.crop,
    _base_.rare_crop,
    _base_.pad_and_flip,
)
# Masks of Cityscapes are mapped to the 16 ids when they are read.
classes = dict(metainfo=dict(classes=_base_.classes16))
data = dict(
    labeled=dict(
        type='SYNTHIADataset',  # from tools/dataset_converters/synthia.py
        **classes,
        data_prefix=dict(
            img_path='data/synthia/RGB', seg_map_path='data/synthia/GT/LABELS'
        ),
    ),
    unlabeled=classes,
    val=classes,
    lists='data/splits/synthia_to_cityscapes/{split}',
    splits=dict(all=dict(labeled=9400)),
    variants=dict(
        crst=dict(
            crop_size=(600, 900),
            augment=[*source, crop, *pad_and_flip],
            round_augment=[target, rare_crop, *pad_and_flip],
            round_sampler=dict(portions=dict(rounds=4), subset_seed=0),
        ),
        cbst=dict(  # images at their own 1280x760
            augment=[_base_.wide, crop, *pad_and_flip],
            sup_augment=[_base_.wide, _base_.rarest_crop, *pad_and_flip],
        ),
    ),
    round_sampler=dict(portions=dict(start=0.02)),
    evaluator=dict(subsets=dict(_delete_=True, mIoU13=_base_.classes13)),
)

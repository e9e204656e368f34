# Cityscapes as the target of adaptation: its training images without labels,
# evaluated on its val at full resolution.
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
    load=dict(to_float32=True),
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

# VOC 2012 with SBD's images, 21 classes, and the lists and schedules of
# DST-CBC and DMT: batches of 8, crops of 321. Masks of all images are in
# SegmentationClassAug. Evaluation on whole images at their own size.
root = 'data/VOCdevkit/VOC2012'
lists = f'{root}/ImageSets/Segmentation'
data = dict(
    labeled=dict(
        type='PascalVOCDataset',
        data_prefix=dict(
            img_path=f'{root}/JPEGImages',
            seg_map_path=f'{root}/SegmentationClassAug',
        ),
    ),
    val=dict(ann_file=f'{lists}/val.txt'),
    lists='data/splits/voc12/dst_cbc/{split}',
    split='1464',
    # Draws 106_0, 106_1, ...; epochs are those of the baselines.
    splits={
        '106': dict(
            labeled=100, unlabeled=10482, epochs=300, val_interval=100
        ),
        '50': dict(labeled=211, unlabeled=10371, epochs=212, val_interval=140),
        '20': dict(labeled=530, unlabeled=10052, epochs=134, val_interval=220),
        '8': dict(labeled=1322, unlabeled=9260, epochs=85, val_interval=350),
        '4': dict(labeled=2645, unlabeled=7937, epochs=60, val_interval=500),
        # VOC's own train, and the rest of trainaug; then all of it.
        '1464': dict(
            labeled=1464,
            unlabeled=9118,
            epochs=85,
            val_interval=350,
            lists=(f'{lists}/train.txt', f'{lists}/aug.txt'),
        ),
        'all': dict(
            labeled=10582,
            epochs=30,
            val_interval=1000,
            lists=(f'{lists}/trainaug.txt', ''),
        ),
        # Halves for difference-maximized sampling, 80 % of 106 and 50.
        **{f'106-{side}': dict(labeled=80) for side in 'lr'},
        **{f'50-{side}': dict(labeled=168) for side in 'lr'},
    },
    load=dict(to_float32=True),
    crop_size=(321, 321),
    variant='fixed',
    variants=dict(
        # Augmentation of DMT; labels are those of whole images, padded.
        fixed=dict(
            augment=[
                dict(type='RandomScale', ratio_range=(0.5, 1.5)),
                dict(type='RandomCrop'),
                dict(type='PadSegFields'),
                dict(type='RandomFlip', prob=0.5),
            ]
        ),
        # DST-CBC as published: both sides drawn independently, and labeling
        # at the crop size without the aspect ratio.
        paper=dict(
            augment=[
                dict(
                    type='RandomResize',
                    scale=[(321, 321), (505, 505)],  # width, height
                    resize_type='TorchResize',
                ),
                dict(type='RandomCrop'),
                dict(type='RandomFlip', prob=0.5),
            ],
            match_image=False,
            label_resize=[dict(type='TorchResize', scale=(321, 321))],
        ),
    ),
    test_pad=(505, 505),  # no image of VOC is larger than 500
    tta_scales=(0.5, 0.75, 1.0, 1.25, 1.5, 1.75),
    batch=dict(alone=8, labeled=4, unlabeled=4, label=8, val=1),
)

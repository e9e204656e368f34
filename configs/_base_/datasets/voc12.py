# VOC 2012 with SBD's images, 21 classes, and the lists and schedules of
# DST-CBC and DMT: batches of 8, crops of 321. Masks of all images are in
# SegmentationClassAug. Evaluation on whole images at their own size.
_base_ = ['../dmt_views.py', '../splits/voc12_dst_cbc.py']
root = 'data/VOCdevkit/VOC2012'
data = dict(
    labeled=dict(
        type='PascalVOCDataset',
        data_prefix=dict(
            img_path=f'{root}/JPEGImages',
            seg_map_path=f'{root}/SegmentationClassAug',
        ),
    ),
    val=dict(ann_file=f'{root}/ImageSets/Segmentation/val.txt'),
    lists='data/splits/voc12/dst_cbc/{split}',
    split='1464',
    splits=_base_.dst_cbc_splits,
    load=dict(to_float32=True),
    crop_size=(321, 321),
    variant='fixed',
    variants=dict(
        # Augmentation of DMT; labels are those of whole images, padded.
        fixed=dict(augment=_base_.dmt_views),
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

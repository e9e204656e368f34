# Cityscapes at half resolution, in training and in evaluation, with the lists
# and schedules of DST-CBC and DMT. Such figures do not compare with mIoU at
# full resolution.
_base_ = [
    './cityscapes.py',
    '../dmt_views.py',
    '../splits/cityscapes_dst_cbc.py',
]
data = dict(
    lists='data/splits/cityscapes/dst_cbc/{split}',
    split='30_0',
    splits={'_delete_': True, **_base_.half_splits},
    epoch=None,
    crop_size=None,
    augment=None,
    variant='fixed',
    variants=dict(
        # As in DMT.
        fixed=dict(
            crop_size=(256, 512),
            resize=[dict(type='TorchResize', scale=(1024, 512))],
            augment=_base_.dmt_views,
        ),
        # DST-CBC as published: both sides drawn independently, labeling at
        # the crop size, all sizes one larger.
        paper=dict(
            crop_size=(257, 513),
            augment=[
                dict(
                    type='RandomResize',
                    scale=[(513, 257), (1025, 513)],  # width, height
                    resize_type='TorchResize',
                ),
                dict(type='RandomCrop'),
                dict(type='RandomFlip', prob=0.5),
            ],
            match_image=False,
            label_resize=[dict(type='TorchResize', scale=(513, 257))],
            test_resize=[dict(type='TorchResize', scale=(1025, 513))],
        ),
    ),
    tta_scales=(1.0, 0.5, 0.75, 1.25, 1.5, 1.75),
    batch=dict(alone=8, labeled=4, unlabeled=4, label=8),
    num_workers=4,
)

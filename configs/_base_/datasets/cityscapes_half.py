# Cityscapes at half resolution, in training and in evaluation, with the lists
# and schedules of DST-CBC and DMT. Such figures do not compare with mIoU at
# full resolution.
_base_ = ['./cityscapes.py']
data = dict(
    lists='data/splits/cityscapes/dst_cbc/{split}',
    split='30_0',
    splits={
        '_delete_': True,
        '30': dict(labeled=100, unlabeled=2875, epochs=330, val_interval=100),
        '8': dict(labeled=371, unlabeled=2604, epochs=170, val_interval=350),
        '4': dict(labeled=743, unlabeled=2232, epochs=120, val_interval=500),
        'all': dict(
            labeled=2975, epochs=60, val_interval=1000, lists=('', '')
        ),
    },
    epoch=None,
    crop_size=None,
    augment=None,
    variant='fixed',
    variants=dict(
        # As in DMT.
        fixed=dict(
            crop_size=(256, 512),
            resize=[dict(type='TorchResize', scale=(1024, 512))],
            augment=[
                dict(type='RandomScale', ratio_range=(0.5, 1.5)),
                dict(type='RandomCrop'),
                dict(type='PadSegFields'),
                dict(type='RandomFlip', prob=0.5),
            ],
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

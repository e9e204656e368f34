# CamVid, 11 classes. Its 367 training images are split as in
# `splits/<fraction>/seed<k>`; the field reports mIoU on the 233 test images,
# of the last checkpoint. At 240x180 for CPUs (labels are resized, too), at its
# own 480x360 for GPUs.
data = dict(
    labeled=dict(
        type='CamVidDataset',
        data_prefix=dict(
            img_path='data/camvid/images/train',
            seg_map_path='data/camvid/annotations/train',
        ),
    ),
    val=dict(
        data_prefix=dict(
            img_path='data/camvid/images/test',
            seg_map_path='data/camvid/annotations/test',
        )
    ),
    lists='data/camvid/splits/{split}',
    split='1_16',
    splits={
        '1_16': dict(
            labeled=23, unlabeled=344, lists='data/camvid/splits/1_16/seed0'
        ),
        '1_8': dict(
            labeled=46, unlabeled=321, lists='data/camvid/splits/1_8/seed0'
        ),
        'all': dict(
            labeled=367, lists=('data/camvid/splits/all_train.txt', '')
        ),
    },
    augment=[dict(type='RandomCrop'), dict(type='RandomFlip', prob=0.5)],
    variant='240x180',
    variants={
        '240x180': dict(
            resize=[dict(type='Resize', scale=(240, 180))],  # width, height
            crop_size=(144, 176),  # height, width
            num_workers=0,
        ),
        '480x360': dict(crop_size=(288, 352), tta_scales=(0.75, 1.0, 1.25)),
    },
    batch=dict(alone=8, labeled=4, unlabeled=4, label=8, val=8),
)

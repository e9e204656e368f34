# Nuclei (Data Science Bowl 2018, CC0): two classes, microscopy of three kinds,
# 465 images to train on, 199 to test on, most of 256x256 and at most 512 wide.
# Lists take 1/64 (7) to 1/8 (58 images), three draws each.
root = 'data/nuclei'
numbers = {'1_64': 7, '1_32': 15, '1_16': 29, '1_8': 58}
data = dict(
    labeled=dict(
        type='BaseSegDataset',
        metainfo=dict(
            classes=('background', 'nucleus'),
            palette=[[0, 0, 0], [220, 20, 60]],
        ),
        data_prefix=dict(
            img_path=f'{root}/images/train', seg_map_path=f'{root}/masks/train'
        ),
        img_suffix='.jpg',
        seg_map_suffix='.png',
    ),
    val=dict(  # all images of the folder
        data_prefix=dict(
            img_path=f'{root}/images/test', seg_map_path=f'{root}/masks/test'
        )
    ),
    lists=f'{root}/splits/{{split}}',
    split='1_32',
    splits={
        name: dict(
            labeled=n, unlabeled=465 - n, lists=f'{root}/splits/{name}/seed0'
        )
        for name, n in numbers.items()
    },
    crop_size=(160, 160),
    augment=[
        dict(type='RandomScale', ratio_range=(0.75, 1.5)),
        dict(type='PadSegFields'),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
    ],
    tta_scales=(0.75, 1.0, 1.5),
    batch=dict(alone=8, labeled=4, unlabeled=4, label=8, val=1),
    num_workers=0,
)

# Clothing Co-Parsing (Yang, Luo, Lin, CVPR 2014): 1,004 street photos of one
# person each, its 59 tags grouped into 19 classes with a long tail, long side
# 448 pixels; see docs/how_to/prepare_data.md. 704 images to train on, split as
# in `splits/<fraction>/seed<k>`, 200 to test on. At half its size for CPUs.
_base_ = ['../classes/ccp.py']
root = 'data/ccp'
numbers = {'1_16': 44, '1_8': 88, '1_4': 176, '1_2': 352}
data = dict(
    labeled=dict(
        type='BaseSegDataset',
        metainfo=dict(classes=_base_.ccp_classes),
        data_prefix=dict(
            img_path=f'{root}/images/train',
            seg_map_path=f'{root}/annotations/train',
        ),
        img_suffix='.jpg',
        seg_map_suffix='.png',
    ),
    val=dict(  # all images of the folder
        data_prefix=dict(
            img_path=f'{root}/images/test',
            seg_map_path=f'{root}/annotations/test',
        )
    ),
    lists=f'{root}/splits/{{split}}',
    split='1_16',
    splits={
        name: dict(
            labeled=n, unlabeled=704 - n, lists=f'{root}/splits/{name}/seed0'
        )
        for name, n in numbers.items()
    },
    resize=[dict(type='Resize', scale=(224, 224), keep_ratio=True)],
    crop_size=(192, 128),  # height, width
    augment=[
        dict(type='RandomScale', ratio_range=(0.75, 1.5)),
        dict(type='PadSegFields'),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
    ],
    tta_scales=(0.75, 1.0, 1.5),
    batch=dict(alone=8, labeled=4, unlabeled=4, label=1, val=1),
    num_workers=0,
)

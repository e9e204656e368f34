# With a frozen DINOv2-S whose features of labeled images and weak views are
# kept on disk. For these to come again, whole images of one size are used,
# and their mirror images, where the paper crops: 2 x 10582 images of 4 MiB.
_base_ = ['./voc_1464_small.py']
data = dict(
    augment=[
        dict(type='Resize', scale=(518, 518)),
        dict(type='RandomFlip', prob=0.5),
    ]
)
model = dict(
    student=dict(
        backbone=dict(
            frozen=True,
            cache_features=dict(dir='data/features/voc12', max_gb=100),
        )
    )
)

# UniMatch V2 on VOC 2012, 1464 labeled and 9118 unlabeled images, as published
# with DINOv2-B: four processes of 4 + 4 images there, one batch of 16 + 16
# here. Of the images' own size half to twice.
_base_ = [
    '../_base_/methods/unimatch_v2.py',
    '../_base_/datasets/voc12_u2pl.py',
]
data = dict(
    crop_size=(518, 518),
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
)
train_cfg = dict(max_iters='60 epochs')

# VOC 2012 with SBD's images and the lists and crops of U2PL: 16 labeled and
# 16 unlabeled images a batch, crops of 513, half of the images shrunk.
_base_ = ['./voc12.py', '../splits/voc12_u2pl.py']
scale = dict(
    type='RandomChoice',
    transforms=[
        [dict(type='RandomScale', ratio_range=(0.5, 1.0))],
        [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
    ],
)
crop, flip = dict(type='RandomCrop'), dict(type='RandomFlip', prob=0.5)
# The mean color, blue first, is 0 behind the normalization.
pad_around = dict(
    type='CenterPadFields',
    size=513,
    pad_val=(103.53, 116.28, 123.675),
    seg_pad_val=0,
)
data = dict(
    lists='data/splits/voc12/u2pl/{split}',
    split='1464',
    splits={'_delete_': True, **_base_.u2pl_splits},
    epoch=dict(processes=4),
    crop_size=(513, 513),
    variant='ignored',
    variants=dict(
        _delete_=True,
        # Padding is ignored; evaluation on whole images at their own size.
        ignored=dict(augment=[scale, crop, dict(type='PadSegFields'), flip]),
        # As U2PL was published: padding of the mean color on all sides is
        # background, in training (and labeled by the teacher) as in the
        # evaluation on 513x513 pixels, where an absent class is 0. Results
        # are named voc513/mIoU and do not compare with those of whole images.
        released=dict(
            augment=[scale, pad_around, crop, flip],
            test_resize=[pad_around, dict(type='CenterCropFields', size=513)],
            evaluator=dict(nan_to_num=0, prefix='voc513'),
        ),
    ),
    test_pad=None,
    batch=dict(alone=16, labeled=16, unlabeled=16),
    num_workers=8,
    val_workers=4,
)

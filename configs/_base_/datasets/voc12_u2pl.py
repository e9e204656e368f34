# VOC 2012 with SBD's images and the lists and crops of U2PL: 16 labeled and
# 16 unlabeled images a batch, crops of 513, half of the images shrunk.
# 662 to 5291 take their labeled images from VOC's own train first, which
# makes them easier than those of CPS with as many.
_base_ = ['./voc12.py']
sizes = (92, 183, 366, 662, 732, 1323, 1464, 2646, 5291)
cps = {'1-16': 662, '1-8': 1323, '1-4': 2646}
data = dict(
    lists='data/splits/voc12/u2pl/{split}',
    split='1464',
    splits={
        '_delete_': True,
        **{str(n): dict(labeled=n, unlabeled=10582 - n) for n in sizes},
        **{
            f'cps_{name}': dict(
                labeled=n,
                unlabeled=10582 - n,
                lists=f'data/splits/voc12/unimatch/{name.replace("-", "_")}',
            )
            for name, n in cps.items()
        },
    },
    epoch=dict(processes=4),
    crop_size=(513, 513),
    variant=None,
    augment=[
        dict(
            type='RandomChoice',
            transforms=[
                [dict(type='RandomScale', ratio_range=(0.5, 1.0))],
                [dict(type='RandomScale', ratio_range=(1.0, 2.0))],
            ],
        ),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    test_pad=None,
    batch=dict(alone=16, labeled=16, unlabeled=16),
    num_workers=8,
    val_workers=4,
)

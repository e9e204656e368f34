# Views of labeled and pseudo-labeled images in DMT.
dmt_views = [
    dict(type='RandomScale', ratio_range=(0.5, 1.5)),
    dict(type='RandomCrop'),
    dict(type='PadSegFields'),
    dict(type='RandomFlip', prob=0.5),
]

# Views of UniMatch and its successor as published: of the image's own size
# half to twice, two of an unlabeled image in other colors.
_base_ = ['./strong_colors.py']
unimatch_data = dict(
    augment=[
        dict(type='RandomScale', ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop'),
        dict(type='PadSegFields'),
        dict(type='RandomFlip', prob=0.5),
    ],
    strong=_base_.strong,
    views=2,
)

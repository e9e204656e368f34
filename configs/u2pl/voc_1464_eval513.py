# As voc_1464, evaluated as published: images in the middle of 513x513, whose
# padding counts as background; an absent class is 0. Results are named
# voc513/mIoU, and are not comparable with those of whole images.
_base_ = ['./voc_1464.py']
data = dict(
    test_resize=[
        # The mean color, blue first: 0 behind the normalization.
        dict(
            type='CenterPadFields',
            size=513,
            pad_val=(103.53, 116.28, 123.675),
            seg_pad_val=0,
        ),
        dict(type='CenterCropFields', size=513),
    ],
    evaluator=dict(nan_to_num=0, prefix='voc513'),
)

# DST-CBC on VOC 2012: 1464 images of VOC's own train are labeled, the 9118
# others of trainaug are not. Round 0 is part of the run. With the fixed
# augmentation and labeling rule; for this split gamma, rounds and learning
# rate are our choice, taken from the published ones of 1/106 and 1/20
# (--split 106_0, 50_0, 20_0, 8_0, 4_0).
_base_ = [
    '../_base_/methods/dst_cbc_deeplabv2.py',
    '../_base_/datasets/voc12.py',
]
model = dict(
    student=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/deeplabv2_r101_coco.pth',
        )
    )
)

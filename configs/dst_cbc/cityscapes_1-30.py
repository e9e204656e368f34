# DST-CBC on Cityscapes at half resolution, 100 labeled and 2875 unlabeled
# images, with the fixed augmentation and labeling rule. Round 0 is part of
# the run, at the published learning rate of the fixed augmentation; no
# setting of the rounds is published for Cityscapes: gamma is that of VOC, the
# learning rate and the number of epochs are the program's defaults
# (--split 8_0, 4_0).
_base_ = [
    '../_base_/methods/dst_cbc_deeplabv2.py',
    '../_base_/datasets/cityscapes_half.py',
]
model = dict(
    student=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/deeplabv2_r101_coco_c19.pth',
        )
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(lr_scale=0.5)

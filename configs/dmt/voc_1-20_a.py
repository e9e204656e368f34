# DMT on 1/20 of VOC trainaug, split 1, model A: from COCO weights
# (dmt-voc-20-1.sh). Train it with voc_1-20_b.py by tools/train_mutual.py;
# rounds are the phases of that command.
_base_ = ['../_base_/methods/dmt.py', '../_base_/datasets/voc12.py']
data = dict(split='20_1', batch=dict(labeled=1, unlabeled=7))
model = dict(
    student=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/deeplabv2_r101_coco.pth',
        )
    ),
    objective=dict(gamma1=5, gamma2=5),
)
train_cfg = dict(iters_per_round='4 epochs', lr_scale=0.5, val_interval=500)

# DMT on 1/8 of Cityscapes at half resolution, split 1, model A: from COCO
# weights (dmt-city-8-1.sh).
_base_ = ['../_base_/methods/dmt.py', '../_base_/datasets/cityscapes_half.py']
data = dict(split='8_1', batch=dict(labeled=2, unlabeled=6))
model = dict(
    student=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/deeplabv2_r101_coco_c19.pth',
        )
    ),
    objective=dict(gamma1=3, gamma2=3),
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(iters_per_round='10 epochs', val_interval=300)

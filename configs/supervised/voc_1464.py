# DeepLab-v2 on VOC 2012's own train, 1464 images, with the
# augmentation of DMT.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12_semi.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
    )
)
max_iters = 15555  # 85 epochs of 183
train_cfg = dict(max_iters=max_iters, val_interval=350)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

# DeepLab-v2 on all of VOC trainaug, 10582 images, with the
# transforms and learning rate of DST-CBC as published.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12_semi_paper.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
    )
)
train_dataloader = dict(dataset=dict(ann_file=f'{_base_.lists}/trainaug.txt'))
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
max_iters = 39690  # 30 epochs of 1323
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

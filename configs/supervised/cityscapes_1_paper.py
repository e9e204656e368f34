# DeepLab-v2 on all of Cityscapes, 2975 images, at half resolution with the
# transforms and learning rate of DST-CBC as published.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half_semi_paper.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    init_cfg=dict(
        type='Pretrained',
        checkpoint='data/weights/deeplabv2_r101_coco_c19.pth',
    ),
    data_preprocessor=dict(size=(257, 513)),
    decode_head=dict(num_classes=19),
)
train_dataloader = dict(dataset=dict(ann_file=''))  # the whole folder
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
max_iters = 22320  # 60 epochs of 372
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

# DeepLab-v2 on 1/4 of Cityscapes, 743 images.
_base_ = ['./cityscapes_1.py']
split = 'data/splits/cityscapes/dst_cbc/4_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 11160  # 120 epochs of 93
train_cfg = dict(max_iters=max_iters, val_interval=500)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

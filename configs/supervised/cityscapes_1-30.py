# DeepLab-v2 on 1/30 of Cityscapes, 100 images.
_base_ = ['./cityscapes_1.py']
split = 'data/splits/cityscapes/dst_cbc/30_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 4290  # 330 epochs of 13
train_cfg = dict(max_iters=max_iters, val_interval=100)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

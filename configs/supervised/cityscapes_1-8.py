# DeepLab-v2 on 1/8 of Cityscapes, 371 images.
_base_ = ['./cityscapes_1.py']
split = 'data/splits/cityscapes/dst_cbc/8_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 7990  # 170 epochs of 47
train_cfg = dict(max_iters=max_iters, val_interval=350)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

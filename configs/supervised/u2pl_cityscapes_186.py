# 186 labeled images; published are 2400 iterations.
_base_ = ['./u2pl_cityscapes_744.py']
split = 'data/splits/cityscapes/u2pl/186'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 34800
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

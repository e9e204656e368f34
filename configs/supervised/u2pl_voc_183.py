# 183 labeled images; published are 960 iterations.
_base_ = ['./u2pl_voc_1464.py']
split = 'data/splits/voc12/u2pl/183'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 52000
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

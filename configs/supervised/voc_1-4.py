# DeepLab-v2 on 1/4 of VOC trainaug, 2645 images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/4_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 19860  # 60 epochs of 331
train_cfg = dict(max_iters=max_iters, val_interval=500)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

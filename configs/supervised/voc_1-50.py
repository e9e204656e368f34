# DeepLab-v2 on 1/50 of VOC trainaug, 211 images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/50_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 5724  # 212 epochs of 27
train_cfg = dict(max_iters=max_iters, val_interval=140)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

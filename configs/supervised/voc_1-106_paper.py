# DeepLab-v2 on 1/106 of VOC trainaug, 100 images.
_base_ = ['./voc_1_paper.py']
split = 'data/splits/voc12/dst_cbc/106_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 3900  # 300 epochs of 13
train_cfg = dict(max_iters=max_iters, val_interval=100)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

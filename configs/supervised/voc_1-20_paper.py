# DeepLab-v2 on 1/20 of VOC trainaug, 530 images.
_base_ = ['./voc_1_paper.py']
split = 'data/splits/voc12/dst_cbc/20_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 8978  # 134 epochs of 67
train_cfg = dict(max_iters=max_iters, val_interval=220)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

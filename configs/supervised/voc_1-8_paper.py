# DeepLab-v2 on 1/8 of VOC trainaug, 1322 images.
_base_ = ['./voc_1_paper.py']
split = 'data/splits/voc12/dst_cbc/8_0'
train_dataloader = dict(dataset=dict(ann_file=f'{split}/labeled.txt'))
max_iters = 14110  # 85 epochs of 166
train_cfg = dict(max_iters=max_iters, val_interval=350)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

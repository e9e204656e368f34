# DeepLab-v2 on all of VOC trainaug, 10582 images.
_base_ = ['./voc_1464.py']
train_dataloader = dict(dataset=dict(ann_file=f'{_base_.lists}/trainaug.txt'))
max_iters = 39690  # 30 epochs of 1323
train_cfg = dict(max_iters=max_iters, val_interval=1000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

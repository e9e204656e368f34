# 1488 labeled and 1487 unlabeled images.
_base_ = ['./cityscapes_744.py']
split = 'data/splits/cityscapes/u2pl/1488'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
max_iters = 18600  # 200 epochs of 93
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

# 372 labeled and 2603 unlabeled images.
_base_ = ['./cityscapes_744.py']
split = 'data/splits/cityscapes/u2pl/372'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
max_iters = 32600  # 200 epochs of 163
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

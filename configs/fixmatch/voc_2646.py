# 2646 labeled and 7936 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/u2pl/2646'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
max_iters = 39680  # 80 epochs of 496
train_cfg = dict(max_iters=max_iters)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1

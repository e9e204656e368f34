# 372 labeled and 2603 unlabeled images.
_base_ = ['./cityscapes_744.py']
split = 'data/splits/cityscapes/u2pl/372'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        paste=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
epoch = 163
train_cfg = dict(max_iters=200 * epoch)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 200 * epoch + 1

# 1323 labeled and 9259 unlabeled images.
_base_ = ['./voc_662.py']
split = 'data/splits/voc12/u2pl/1323'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        paste=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
epoch = 578
train_cfg = dict(max_iters=80 * epoch)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 80 * epoch + 1

# 1488 labeled and 1487 unlabeled images.
_base_ = ['./cityscapes_744.py']
split = 'data/splits/cityscapes/u2pl/1488'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
epoch = 93
model = dict(semi_train_cfg=dict(iters_per_epoch=epoch))
train_cfg = dict(max_iters=200 * epoch)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 200 * epoch + 1
custom_hooks = _base_.custom_hooks
custom_hooks[0].update(copy_until=epoch)

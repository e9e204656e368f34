# 2646 labeled and 7936 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/u2pl/2646'
train_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=dict(ann_file=f'{split}/unlabeled.txt')),
    )
)
epoch = 496
model = dict(semi_train_cfg=dict(warmup_iters=epoch, iters_per_epoch=epoch))
train_cfg = dict(max_iters=80 * epoch)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = 80 * epoch + 1
custom_hooks = _base_.custom_hooks
custom_hooks[0].update(start_iter=epoch, copy_until=2 * epoch)

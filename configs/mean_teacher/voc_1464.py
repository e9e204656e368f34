# Mean Teacher with CutMix on VOC 2012, 1464 labeled and 9118 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/methods/cutmix_seg.py',
    '../_base_/datasets/voc12_u2pl.py',
]
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10.0),
            'auxiliary_head': dict(lr_mult=10.0),
        }
    ),
)
train_cfg = dict(max_iters='80 epochs')

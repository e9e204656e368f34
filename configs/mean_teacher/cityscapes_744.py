# Mean Teacher with CutMix on Cityscapes, 744 labeled and 2231 unlabeled
# images: masks, loss and teacher of CutMix-Seg, schedule and lists of U2PL.
_base_ = [
    '../_base_/methods/cutmix_seg.py',
    '../_base_/datasets/cityscapes.py',
]
# 100000 pixels in each of 8 processes with two labeled images, as published.
ohem = dict(
    type='OHEMCrossEntropyLoss', thresh=0.7, min_kept=100000, per_device=8
)
model = dict(
    student=dict(
        decode_head=dict(loss_decode=dict(ohem, _delete_=True)),
        auxiliary_head=dict(
            loss_decode=dict(ohem, _delete_=True, loss_weight=0.4)
        ),
        test_cfg=dict(mode='slide', crop_size=(769, 769), stride=(513, 513)),
    )
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs')

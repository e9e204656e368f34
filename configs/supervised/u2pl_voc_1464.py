# Labeled only with network, loss and schedule of ../u2pl/voc_1464.py, and as
# many iterations and labeled images in each. Published are 7360, and for the
# other splits 480 (92), 960 (183), 1840 (366), 3680 (732), 3360 (662), 6640
# (1323), 13280 (2646) and 26480 (5291).
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_u2pl.py',
    '../_base_/datasets/voc12_u2pl.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/resnet101_deep-stem_mmseg.pth',
        )
    )
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={'decode_head': dict(lr_mult=10.0)}),
)
train_cfg = dict(max_iters='80 epochs', val_interval=2000)

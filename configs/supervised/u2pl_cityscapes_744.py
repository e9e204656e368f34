# Labeled only with network, losses and schedule of
# ../u2pl/cityscapes_744.py, and as many iterations and labeled images in
# each. Published are 9400, with half the min_kept for as many images; 2400 of
# 186, 4800 of 372, 18600 of 1488 images.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_ohem.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/supervised_runtime.py',
]
model = dict(
    test_cfg=dict(mode='slide', crop_size=(769, 769), stride=(513, 513))
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs', val_interval=2000)

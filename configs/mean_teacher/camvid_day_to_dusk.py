# Mean Teacher with CutMix from day to dusk; --split day_to_dusk_4 adds labels
# of 4 dusk frames. The recipe of camvid_1-16.py as it is.
_base_ = [
    '../_base_/methods/mean_teacher_weighted.py',
    '../_base_/datasets/camvid_day_to_dusk.py',
]
train_cfg = dict(max_iters=600, val_interval=600)

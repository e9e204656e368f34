# Mean Teacher with CutMix from fluorescence to stained nuclei; --split
# to_stained_4 adds masks of 4 stained images. The recipe of nuclei_1-32.py as
# it is.
_base_ = [
    '../_base_/methods/mean_teacher.py',
    '../_base_/datasets/nuclei_to_stained.py',
]
train_cfg = dict(max_iters=600, val_interval=600)

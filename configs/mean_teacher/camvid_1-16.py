# Mean Teacher with CutMix on CamVid, 23 labeled and 344 unlabeled images,
# for a CPU. The recipe is ours: with plain cross entropy and a threshold of
# 0.8 thin and rare classes are lost to the threshold, so classes are weighted
# and it is 0.7.
_base_ = [
    '../_base_/methods/mean_teacher_weighted.py',
    '../_base_/datasets/camvid.py',
]
train_cfg = dict(max_iters=1000, val_interval=500)

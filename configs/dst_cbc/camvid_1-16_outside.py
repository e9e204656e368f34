# DST-CBC on CamVid that first learns masks of another model, then goes on
# without them. `mmsemi calibrate-masks` writes the labels of round 1, see
# docs/how_to/outside_masks.md.
_base_ = ['./camvid_1-16.py']
train_cfg = dict(
    supervised_iters=400,
    portions=(1.0, 0.5, 0.8),  # the first one is that of the masks: all
)
hooks = dict(
    labeling=dict(
        type='OutsideLabelsHook',
        labels='work_dirs/outside_masks/camvid_1-16',
        fill=0.5,  # as much of its own as in the round after
    )
)

# Mean Teacher on CamVid that learns masks of another model in the first third
# of the training, and labels of its teacher where they say nothing and later.
# `mmsemi calibrate-masks` writes them, see docs/how_to/outside_masks.md.
_base_ = ['./camvid_1-16.py']
outside = 'work_dirs/outside_masks/camvid_1-16'
data = dict(
    partly_labeled=f'{outside}/images.txt',
    unlabeled=dict(
        data_prefix=dict(
            img_path='data/camvid/images/train',
            seg_map_path=f'{outside}/round_0/labels',
        )
    ),
)
model = dict(semi_train_cfg=dict(known_iters=330))
# What lies beside the images is no ground truth.
hooks = dict(audit=None)

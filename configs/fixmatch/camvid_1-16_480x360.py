# CamVid at its own 480x360, in mixed precision, for a GPU; otherwise as
# camvid_1-16.py. Not trained by us.
_base_ = ['../mean_teacher/camvid_1-16_480x360.py']
train_dataloader = dict(
    dataset=dict(unlabeled=dict(dataset=dict(pipeline=_base_.strong_pipeline)))
)

# FixMatch with an averaged teacher (as in UniMatch V2) on CamVid, 23 labelled
# and 344 unlabelled images, for a CPU: Mean Teacher with CutMix whose student
# sees the images in other colours. All else, boxes included, is that of
# ../mean_teacher/camvid_1-16.py, which says why.
_base_ = ['../mean_teacher/camvid_1-16.py']
train_dataloader = dict(
    dataset=dict(
        unlabelled=dict(dataset=dict(pipeline=_base_.strong_pipeline))))

# FixMatch with an averaged teacher (as in UniMatch V2) on CamVid, 23 labelled
# and 344 unlabelled images, for a CPU: colours of the student's view change,
# and small boxes are pasted from another image. Class weights and threshold
# are those of ../mean_teacher/camvid_1-16.py, which says why.
_base_ = ['../mean_teacher/camvid_1-16.py']
model = dict(
    mixing=dict(
        box='unimatch', prob=0.5, per_image=True, partner='flip'))
train_dataloader = dict(
    dataset=dict(
        unlabelled=dict(dataset=dict(pipeline=_base_.strong_pipeline))))

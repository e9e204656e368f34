# AugSeg on CamVid, 23 labeled and 344 unlabeled images, for a CPU. Network,
# lists, iterations, class weights, threshold and teacher are those of
# ../mean_teacher/camvid_1-16.py, which says why; colors, boxes and divisor
# are those of AugSeg.
_base_ = ['../mean_teacher/camvid_1-16.py']
data = dict(strong=[dict(type='RandomIntensityAug')])
model = dict(
    type='AugSeg',
    unsup_loss=dict(normalizer='all'),
    mixing=dict(_delete_=True, type='LabelInjectingCutMix'),
)

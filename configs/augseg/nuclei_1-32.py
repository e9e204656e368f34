# AugSeg on nuclei, 15 labeled and 450 unlabeled images, for a CPU: the recipe
# of camvid_1-16.py on that of ../mean_teacher/nuclei_1-32.py.
_base_ = ['../mean_teacher/nuclei_1-32.py']
data = dict(strong=[dict(type='RandomIntensityAug')])
model = dict(
    type='AugSeg',
    unsup_loss=dict(normalizer='all'),
    mixing=dict(_delete_=True, type='LabelInjectingCutMix'),
)

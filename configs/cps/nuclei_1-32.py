# CPS with CutMix on nuclei, 15 labeled and 450 unlabeled images, for a CPU:
# the recipe of camvid_1-16.py on that of ../mean_teacher/nuclei_1-32.py.
_base_ = ['../mean_teacher/nuclei_1-32.py']
data = dict(views=0)
model = dict(
    type='CPS',
    pseudo_labeler=dict(threshold=0.0),
    mixing=dict(box_cfg=dict(count=3, share=(0.25, 0.5))),
    semi_test_cfg=dict(predict_on='student'),
)
val_cfg = dict(type='AllNetworksValLoop')
hooks = dict(teacher=None)

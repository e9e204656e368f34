# CPS with CutMix on CamVid, 23 labeled and 344 unlabeled images, for a CPU.
# Network, lists, iterations and class weights are those of
# ../mean_teacher/camvid_1-16.py, which says why; every label counts and boxes
# are CPS's. Both students are validated. Unlabeled images wait until the
# heads, which are new, have learned something to label with.
_base_ = ['../mean_teacher/camvid_1-16.py']
data = dict(views=0)
model = dict(
    type='CPS',
    pseudo_labeler=dict(threshold=0.0),
    mixing=dict(box_cfg=dict(count=3, share=(0.25, 0.5))),
    semi_train_cfg=dict(warmup_iters=200),
    semi_test_cfg=dict(predict_on='student'),
)
val_cfg = dict(type='AllNetworksValLoop')
hooks = dict(teacher=None)

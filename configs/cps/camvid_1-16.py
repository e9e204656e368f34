# CPS with CutMix on CamVid, 23 labeled and 344 unlabeled images, for a CPU.
# Network, lists, iterations and class weights are those of
# ../mean_teacher/camvid_1-16.py, which says why; every label counts and boxes
# are CPS's. Both students are validated. Class weights are for labeled images
# alone: in labels that students make for each other rare classes would grow
# from step to step.
_base_ = ['../mean_teacher/camvid_1-16.py']
data = dict(views=0)
model = dict(
    type='CPS',
    pseudo_labeler=dict(threshold=0.0),
    unsup_loss=dict(criterion=None),
    mixing=dict(box_cfg=dict(count=3, share=(0.25, 0.5))),
    semi_test_cfg=dict(predict_on='student'),
)
val_cfg = dict(type='AllNetworksValLoop')
hooks = dict(teacher=None)

# SPNet on VOC with background as a seen class: 16 seen and 5 unseen classes.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_voc12_bkg.py',
    '../_base_/schedules/zero_label_sgd.py',
    '../_base_/supervised_runtime.py',
]
student = _base_.model
student.decode_head.update(
    classes=_base_.classes, num_seen=_base_.num_seen, **_base_.word_vectors
)
model = dict(
    _delete_=True,
    type='SPNet',
    student=student,
    semi_test_cfg=dict(scales=(0.5, 0.75)),
)
max_iters = 20000
train_cfg = dict(max_iters=max_iters, val_interval=2000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
default_hooks = dict(checkpoint=dict(interval=2000))

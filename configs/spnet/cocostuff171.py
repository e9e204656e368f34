# SPNet on 171 classes of COCO-Stuff 164k, 156 seen and 15 unseen: evaluated
# on images of their own size, trained as in cocostuff.py.
_base_ = [
    '../_base_/models/semantic-embedding_deeplabv2_r101-d8.py',
    '../_base_/datasets/zero_label_cocostuff171.py',
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
max_iters = 100000
train_cfg = dict(max_iters=max_iters, val_interval=10000)
param_scheduler = _base_.param_scheduler
param_scheduler[0].end = max_iters + 1
default_hooks = dict(checkpoint=dict(interval=10000))

# To choose gamma: tree and car take the place of the unseen classes, on the
# images of val.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/zero_label_camvid_tune.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/supervised_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth'
)
head = student.decode_head
head.pop('num_classes')
student.decode_head = dict(
    type='SemanticEmbeddingHead',
    head=head,
    classes=_base_.classes,
    num_seen=_base_.num_seen,
    embedding='fastnvec',
    **_base_.word_vectors,
)
model = dict(
    _delete_=True,
    type='SPNet',
    student=student,
    semi_train_cfg=dict(scales=()),
)
max_iters = 600
train_cfg = dict(max_iters=max_iters, val_interval=600)
param_scheduler = _base_.param_scheduler
param_scheduler[1].end = max_iters + 1
custom_hooks = [dict(type='ChannelsLastHook')]

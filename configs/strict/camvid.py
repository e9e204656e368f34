# STRICT on CamVid with three unseen classes, for a CPU: SPNet, then two rounds
# with six views. The recipe is ours: one scale in round 0, agreement at the
# size of the labels.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/zero_label_camvid.py',
    '../_base_/schedules/camvid_adamw.py',
    '../_base_/default_runtime.py',
]
student = _base_.model
student.backbone.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/mobilenet_v2_in1k_mmseg.pth'
)
head = student.decode_head
head.pop('num_classes')
student.decode_head = dict(
    type='SemanticEmbeddingHead', head=head, embedding='fastnvec'
)
model = dict(
    _delete_=True,
    type='ZeroLabelSegmentor',
    student=student,
    views=dict(mirror=True, scales='up'),
    semi_train_cfg=dict(scales=()),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=600,
    portions=(1.0, 1.0),  # two rounds; labels are made online
    iters_per_round=60,
)
hooks = dict(
    channels_last=dict(type='ChannelsLastHook'),
    generator=dict(type='GeneratorRefreshHook'),
    views=dict(type='ViewPictureHook'),
)

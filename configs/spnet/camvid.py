# SPNet on CamVid with three unseen classes, for a CPU. The recipe is ours: one
# scale, loss at the size of the labels, as long as round 0 of
# configs/strict/camvid.py.
_base_ = [
    '../_base_/models/lateral-sum_mobilenetv2.py',
    '../_base_/datasets/zero_label_camvid.py',
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
    type='SemanticEmbeddingHead', head=head, embedding='fastnvec'
)
model = dict(
    _delete_=True,
    type='SPNet',
    student=student,
    semi_train_cfg=dict(scales=()),
)
train_cfg = dict(max_iters=600, val_interval=600)
hooks = dict(channels_last=dict(type='ChannelsLastHook'))

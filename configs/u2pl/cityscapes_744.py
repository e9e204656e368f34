# U2PL on Cityscapes, 744 labeled and 2231 unlabeled images, as published:
# eight processes of 2 + 2 images there, one batch of 16 + 16 here.
_base_ = [
    '../_base_/models/deeplabv3plus_r101-deep-stem_ohem.py',
    '../_base_/datasets/cityscapes.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/online_runtime.py',
]
student = _base_.model
student.decode_head.representation_head = dict(type='RepresentationHead')
student.test_cfg = dict(mode='slide', crop_size=(769, 769), stride=(513, 513))
model = dict(
    _delete_=True,
    type='U2PL',
    student=student,
    pseudo_labeler=dict(type='EntropyPercentilePseudoLabeler', per_device=8),
    unsup_loss=dict(type='EntropyFilteredCrossEntropyLoss', per_device=8),
    contrast=dict(loss_weight=0.1, num_anchors=256, per_device=8),
    mixing=dict(type='CutMix', box='u2pl', prob=0.5),
    semi_train_cfg=dict(iters_per_epoch='1 epoch'),
    semi_test_cfg=dict(predict_on='teacher'),
)
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters='200 epochs', val_interval=2000)
hooks = dict(
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        copy_until='1 epoch',
        buffers='own',
    )
)

# U2PL on nuclei, 15 labeled and 450 unlabeled images, for a CPU: short
# features and a small bank as in camvid_1-16.py, no class weights as in
# ../mean_teacher/nuclei_1-32.py, and so the published share of labels that is
# dropped at first.
_base_ = ['../mean_teacher/nuclei_1-32.py']
model = dict(
    type='U2PL',
    student=dict(
        decode_head=dict(
            type='LateralSumRepresentationHead',
            representation_head=dict(channels=96, out_channels=64),
        )
    ),
    contrast=dict(num_anchors=128, capacity=3000, loss_weight=0.1),
    pseudo_labeler=dict(
        _delete_=True, type='EntropyPercentilePseudoLabeler', drop_percent=20.0
    ),
    unsup_loss=dict(_delete_=True, type='EntropyFilteredCrossEntropyLoss'),
    mixing=dict(_delete_=True, type='CutMix', box='u2pl', prob=0.5),
    semi_train_cfg=dict(warmup_iters=200),
)
hooks = dict(teacher=dict(buffers='own'))

# DMT on 1/20 of VOC trainaug, split 1, model A: from COCO weights
# (dmt-voc-20-1.sh). Train it with voc_1-20_b.py by tools/train_mutual.py;
# rounds are the phases of that command.
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/voc12_semi.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
split = 'data/splits/voc12/dst_cbc/20_1'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    sampler=dict(samples_per_source=(1, 7)),
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled)),
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco.pth'
)
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicMutualLoss', gamma1=5, gamma2=5),
)
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=8978,  # 134 epochs of 67
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round=5744,  # 4 passes over the unlabeled images
    lr_scale=0.5,
    start_from='best',
    val_interval=500,
)
baseline_cfg = dict(train_cfg=dict(val_interval=220))
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
custom_hooks = [
    dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=16
        ),
        keep_confidence=True,
    )
]
randomness = dict(seed=1)

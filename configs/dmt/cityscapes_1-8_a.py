# DMT on 1/8 of Cityscapes at half resolution, split 1, model A: from COCO
# weights (dmt-city-8-1.sh).
_base_ = [
    '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/cityscapes_half_semi.py',
    '../_base_/schedules/sgd_poly.py',
    '../_base_/default_runtime.py',
]
split = 'data/splits/cityscapes/dst_cbc/8_1'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    sampler=dict(samples_per_source=(2, 6)),
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled)),
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
student = _base_.model
student.init_cfg = dict(
    type='Pretrained', checkpoint='data/weights/deeplabv2_r101_coco_c19.pth'
)
student.data_preprocessor.size = (256, 512)
student.decode_head.num_classes = 19
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(type='DynamicMutualLoss', gamma1=3, gamma2=3),
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters=7990,  # 170 epochs of 47
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round=4340,  # 10 passes over the unlabeled images
    start_from='best',
    val_interval=300,
)
baseline_cfg = dict(train_cfg=dict(val_interval=350))
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

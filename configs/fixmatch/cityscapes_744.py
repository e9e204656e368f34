# FixMatch with an averaged teacher (as in UniMatch V2) on Cityscapes, 744
# labeled and 2231 unlabeled images. Network, schedule and lists are those of
# ../mean_teacher/cityscapes_744.py.
_base_ = ['../mean_teacher/cityscapes_744.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong)
model = dict(
    # Every valid pixel counts, as UniMatch has it on Cityscapes.
    pseudo_labeler=dict(threshold=0.0, per_pixel=True),
    unsup_loss=dict(_delete_=True, type='PseudoLabelCrossEntropyLoss'),
    mixing=dict(box='unimatch', prob=0.5, per_image=True, partner='flip'),
    semi_train_cfg=dict(sup_weight=0.5, unsup_weight=0.5),
)
hooks = dict(teacher=dict(momentum=0.004, schedule='inverse', buffers='ema'))

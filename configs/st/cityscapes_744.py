# ST on Cityscapes, 744 labeled and 2231 unlabeled images, as published but for
# the network (ResNet-101) and the lists, which are U2PL's.
_base_ = ['../_base_/methods/st.py', '../_base_/datasets/cityscapes.py']
augment = [
    dict(type='RandomScale', ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop'),
    dict(type='PadSegFields'),
    dict(type='RandomFlip', prob=0.5),
]
data = dict(
    splits={
        str(n): dict(epochs=480 if n < 200 else 240)
        for n in (186, 372, 744, 1488)
    },
    epoch=None,
    crop_size=(721, 721),
    augment=augment,
    round_augment=[*augment, *_base_.strong, dict(type='NoiseCutOut')],
    batch=dict(alone=16, labeled=8, unlabeled=8, label=1),
)
optim_wrapper = dict(optimizer=dict(lr=0.004))
train_cfg = dict(iters_per_round='240 epochs')

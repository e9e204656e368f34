# ST on VOC 2012, 1464 labeled and 9118 unlabeled images, as published: a
# network learns from the labeled images and labels the others, all of their
# pixels; a new one learns from both. A list of less than 200 labeled images
# is passed over twice an epoch.
_base_ = ['../_base_/methods/st.py', '../_base_/datasets/voc12_u2pl.py']
augment = [
    # The longer side is 200 to 800.
    dict(
        type='RandomResize',
        scale=(400, 400),
        ratio_range=(0.5, 2.0),
        resize_type='TorchResize',
        keep_ratio=True,
    ),
    dict(type='RandomCrop'),
    dict(type='PadSegFields'),
    dict(type='RandomFlip', prob=0.5),
]
data = dict(
    splits={
        **{str(n): dict(epochs=160 if n < 200 else 80) for n in _base_.sizes},
        **{f'cps_{name}': dict(epochs=80) for name in _base_.cps},
    },
    epoch=None,
    crop_size=(321, 321),
    augment=augment,
    round_augment=[*augment, *_base_.strong, dict(type='NoiseCutOut')],
    batch=dict(alone=16, labeled=8, unlabeled=8, label=1),
)
optim_wrapper = dict(optimizer=dict(lr=0.001))
train_cfg = dict(iters_per_round='80 epochs')

# Stages of ST: a network labels every pixel of the unlabeled images, in ten
# views, and a new one learns from them.
_base_ = ['./default_runtime.py']
train_cfg = dict(
    type='SelfTrainingLoop', start_from='scratch', portions=(1.0,)
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(type='FixedThresholdPseudoLabeler', threshold=0.0),
        scales=(0.5, 0.75, 1.0, 1.5, 2.0),
        flip=True,
    )
)

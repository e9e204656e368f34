# CRST-LRENT: soft pseudo-labels, alpha of the released script for GTA5.
_base_ = ['../cbst/synthia_to_cityscapes_deeplabv2.py']
custom_hooks = [
    dict(
        type='PseudoLabelHook',
        labeler=dict(type='LRENTPseudoLabeler', alpha=0.25, ds_rate=4),
        **_base_.labeling,
    )
]

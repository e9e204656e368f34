# ST: one threshold for all classes; everything else as in CBST.
_base_ = ['./synthia_to_cityscapes.py']
custom_hooks = [
    dict(
        type='PseudoLabelHook',
        labeler=dict(type='CBSTPseudoLabeler', per_class=False, ds_rate=4),
        **_base_.labeling,
    )
]

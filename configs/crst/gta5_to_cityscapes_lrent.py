# CRST-LRENT: soft pseudo-labels, alpha of the released script.
_base_ = ['../cbst/gta5_to_cityscapes_deeplabv2.py']
hooks = dict(
    labeling=dict(
        labeler=dict(
            _delete_=True, type='LRENTPseudoLabeler', alpha=0.25, ds_rate=4
        )
    )
)

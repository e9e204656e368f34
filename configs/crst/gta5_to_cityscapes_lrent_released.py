# CRST-LRENT with the learning rates that the published code acted with.
_base_ = ['../cbst/gta5_to_cityscapes_deeplabv2_released.py']
hooks = dict(
    labeling=dict(
        labeler=dict(
            _delete_=True, type='LRENTPseudoLabeler', alpha=0.25, ds_rate=4
        )
    )
)

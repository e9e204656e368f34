# CRST-LRENT: soft labels. Stored at half the resolution of the small images.
_base_ = ['../cbst/camvid_day_to_dusk.py']
custom_hooks = _base_.custom_hooks
custom_hooks[2].update(
    labeler=dict(type='LRENTPseudoLabeler', alpha=0.25), soft_stride=2
)

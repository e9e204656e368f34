# CRST-LRENT: soft labels. Stored at half the resolution of the small images.
_base_ = ['../cbst/camvid_day_to_dusk.py']
hooks = dict(
    labeling=dict(
        labeler=dict(_delete_=True, type='LRENTPseudoLabeler', alpha=0.25),
        soft_stride=2,
    )
)

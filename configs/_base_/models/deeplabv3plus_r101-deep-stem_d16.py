# The network of UniMatch: that of U2PL at output stride 16, without
# multi-grid, dropout and rounding up, with 48 low-level channels.
_base_ = ['deeplabv3plus_r101-deep-stem_u2pl.py']
model = dict(
    backbone=dict(
        ceil_mode=False,
        dilations=(1, 1, 1, 2),
        strides=(1, 2, 2, 1),
        multi_grid=None,
    ),
    decode_head=dict(
        c1_channels=48, dilations=(1, 6, 12, 18), dropout_ratio=0.0
    ),
)

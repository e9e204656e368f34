# CRST's source model with the learning rates its code acted with.
_base_ = ['./gta5_deeplabv2_r101.py']
# The published code hands most parameters of the backbone to its optimizer
# three times and those of the down-sampling four times, so that a step moves
# them three and four times as far.
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'backbone': dict(lr_mult=3.0),
            'backbone.conv1': dict(lr_mult=1.0),
            'downsample': dict(lr_mult=4.0),
        }
    )
)

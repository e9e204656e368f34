# CBST with DeepLab-v2 with the learning rates that CRST's code acted with.
_base_ = ['./gta5_to_cityscapes_deeplabv2.py']
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
# Last checkpoint of configs/source_only/gta5_deeplabv2_r101_released.py, or
# the authors' source model, converted.
load_from = 'data/weights/source_only_gta5_deeplabv2_r101_released.pth'

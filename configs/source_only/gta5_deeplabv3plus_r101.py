# DeepLabV3+ on GTA5, tested on Cityscapes. Network and schedule are our
# choice, after mmseg's for Cityscapes.
_base_ = [
    '../_base_/methods/source_only_deeplabv3plus.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
]
data = dict(batch=dict(alone=8))

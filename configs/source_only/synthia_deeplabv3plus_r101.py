# DeepLabV3+ on SYNTHIA, 16 classes, tested on Cityscapes. Network and
# schedule are our choice, after mmseg's for Cityscapes.
_base_ = [
    '../_base_/methods/source_only_deeplabv3plus.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
data = dict(batch=dict(alone=8))

# CBST on SYNTHIA -> Cityscapes with DeepLabV3+. Network and learning rate are
# our choice, the rest as with DeepLab-v2.
_base_ = [
    '../_base_/methods/cbst_deeplabv3plus.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
# Last checkpoint of configs/source_only/synthia_deeplabv3plus_r101.py.
load_from = 'data/weights/source_only_synthia_deeplabv3plus_r101.pth'
train_cfg = dict(portions=dict(rounds=4))

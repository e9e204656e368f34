# CBST on SYNTHIA -> Cityscapes with DeepLab-v2 as in CRST, four rounds.
_base_ = [
    '../_base_/methods/cbst_deeplabv2.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
# Last checkpoint of configs/source_only/synthia_deeplabv2_r101.py.
load_from = 'data/weights/source_only_synthia_deeplabv2_r101.pth'
train_cfg = dict(portions=dict(rounds=4))

# CBST on GTA5 -> Cityscapes with DeepLab-v2 as in CRST, three rounds.
_base_ = [
    '../_base_/methods/cbst_deeplabv2.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
]
# Last checkpoint of configs/source_only/gta5_deeplabv2_r101.py.
load_from = 'data/weights/source_only_gta5_deeplabv2_r101.pth'
train_cfg = dict(portions=dict(rounds=3))

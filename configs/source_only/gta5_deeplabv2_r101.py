# DeepLab-v2 on GTA5, tested on Cityscapes: CRST's source model.
_base_ = [
    '../_base_/methods/source_only_deeplabv2.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
]
data = dict(
    crop_size=(500, 500),
    augment=[_base_.scale, _base_.crop, *_base_.pad_and_flip],
)

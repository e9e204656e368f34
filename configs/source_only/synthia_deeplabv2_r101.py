# DeepLab-v2 on SYNTHIA, 16 classes, tested on Cityscapes. CRST published no
# settings of this source model; these are those of GTA5.
_base_ = [
    '../_base_/methods/source_only_deeplabv2.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
data = dict(
    crop_size=(500, 500),
    augment=[
        _base_.source_size,
        _base_.scale,
        _base_.crop,
        *_base_.pad_and_flip,
    ],
)

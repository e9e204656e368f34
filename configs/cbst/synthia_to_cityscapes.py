# CBST on SYNTHIA -> Cityscapes, ResNet-38, six rounds.
_base_ = [
    '../_base_/methods/cbst_resnet38.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
data = dict(variant='cbst')
# Last checkpoint of configs/source_only/synthia_resnet38.py.
load_from = 'data/weights/source_only_synthia_resnet38.pth'

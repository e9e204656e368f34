# CBST on GTA5 -> Cityscapes, ResNet-38, six rounds. Portions are those of the
# released commands, 15 to 40 %; the paper has train_cfg.portions.start=0.2.
_base_ = [
    '../_base_/methods/cbst_resnet38.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
]
data = dict(variant='cbst')
# Last checkpoint of configs/source_only/gta5_resnet38.py.
load_from = 'data/weights/source_only_gta5_resnet38.pth'
train_cfg = dict(portions=dict(start=0.15))

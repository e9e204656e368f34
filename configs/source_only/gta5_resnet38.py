# ResNet-38 on GTA5, tested on Cityscapes: CBST's source model.
_base_ = [
    '../_base_/methods/source_only_resnet38.py',
    '../_base_/datasets/gta5_to_cityscapes.py',
]
data = dict(variant='cbst')
train_cfg = dict(max_iters='30 labeled epochs', val_interval=4683)

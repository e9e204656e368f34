# ResNet-38 on SYNTHIA, 16 classes, tested on Cityscapes: CBST's source model.
_base_ = [
    '../_base_/methods/source_only_resnet38.py',
    '../_base_/datasets/synthia_to_cityscapes.py',
]
data = dict(variant='cbst')
train_cfg = dict(max_iters='50 labeled epochs', val_interval=2940)

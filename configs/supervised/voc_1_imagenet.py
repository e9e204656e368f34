# From ImageNet weights: nothing to convert, and published for calibration
# (pytorch-auto-drive, docs/MODEL_ZOO.md). All of trainaug, 10582 images.
_base_ = ['./voc_1464.py', '../_base_/deeplabv2_from_imagenet.py']
data = dict(split='all')
model = _base_.from_imagenet

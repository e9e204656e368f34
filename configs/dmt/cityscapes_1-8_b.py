# DMT on Cityscapes, model B: from ImageNet weights.
_base_ = ['./cityscapes_1-8_a.py', '../_base_/deeplabv2_from_imagenet.py']
model = dict(student=_base_.from_imagenet)
randomness = dict(seed=2)

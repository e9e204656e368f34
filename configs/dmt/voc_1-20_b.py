# DMT, model B: from ImageNet weights.
_base_ = ['./voc_1-20_a.py', '../_base_/deeplabv2_from_imagenet.py']
model = dict(student=_base_.from_imagenet)
randomness = dict(seed=2)

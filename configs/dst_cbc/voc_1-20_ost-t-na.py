# Ablation: no augmentation of the pseudo-labeled images.
_base_ = ['./voc_1-20_ost-t.py']
data = dict(round_augment=[dict(type='TorchResize', scale=(321, 321))])

# UniMatch V2 on ADE20K, 1263 labeled and 18947 unlabeled images, as published
# with DINOv2-B: four processes of 2 + 2 images there, one batch of 8 + 8 here.
# The encoder learns, as in the published logs; the released file freezes it.
_base_ = ['../_base_/methods/unimatch_v2.py', '../_base_/datasets/ade20k.py']
data = dict(crop_size=(518, 518), strong=_base_.strong, views=2)
train_cfg = dict(max_iters='60 epochs')

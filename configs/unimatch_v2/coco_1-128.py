# UniMatch V2 on COCO, 924 labeled and 117363 unlabeled images, as published
# with DINOv2-B: four processes of 4 + 4 images there, one batch of 16 + 16
# here.
_base_ = [
    '../_base_/methods/unimatch_v2.py',
    '../_base_/datasets/coco_things.py',
]
data = dict(crop_size=(518, 518), strong=_base_.strong, views=2)
train_cfg = dict(max_iters='20 epochs')

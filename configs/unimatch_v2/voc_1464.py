# UniMatch V2 on VOC 2012, 1464 labeled and 9118 unlabeled images, as published
# with DINOv2-B: four processes of 4 + 4 images there, one batch of 16 + 16
# here. Of the images' own size half to twice.
_base_ = [
    '../_base_/methods/unimatch_v2.py',
    '../_base_/datasets/voc12_u2pl.py',
]
data = dict(_base_.unimatch_data, crop_size=(518, 518))
train_cfg = dict(max_iters='60 epochs')

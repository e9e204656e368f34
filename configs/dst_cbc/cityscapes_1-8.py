# 1/8 of Cityscapes: 371 labeled and 2604 unlabeled images.
_base_ = ['./cityscapes_1-30.py']
split = 'data/splits/cityscapes/dst_cbc/8_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=7990,  # 170 epochs of 47
    iters_per_round=3906,
)  # 6 passes over the unlabeled images

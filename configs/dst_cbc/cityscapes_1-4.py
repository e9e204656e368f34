# 1/4 of Cityscapes: 743 labeled and 2232 unlabeled images.
_base_ = ['./cityscapes_1-30.py']
split = 'data/splits/cityscapes/dst_cbc/4_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=11160,  # 120 epochs of 93
    iters_per_round=3348,
)  # 6 passes over the unlabeled images

# DST-CBC as published, 1/4 of Cityscapes.
_base_ = ['./cityscapes_1-30_paper.py']
split = 'data/splits/cityscapes/dst_cbc/4_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
# Best snapshot of configs/supervised/cityscapes_1-4_paper.py.
load_from = 'data/weights/supervised_cityscapes_1-4_paper.pth'

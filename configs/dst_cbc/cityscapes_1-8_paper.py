# DST-CBC as published, 1/8 of Cityscapes.
_base_ = ['./cityscapes_1-30_paper.py']
split = 'data/splits/cityscapes/dst_cbc/8_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
# Best snapshot of configs/supervised/cityscapes_1-8_paper.py.
load_from = 'data/weights/supervised_cityscapes_1-8_paper.pth'

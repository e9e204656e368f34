# DST-CBC as published, 1/4 of VOC trainaug.
# Not published for this split: settings of the rounds, here those of 1/20.
_base_ = ['./voc_1-20_paper.py']
split = 'data/splits/voc12/dst_cbc/4_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
# Best snapshot of configs/supervised/voc_1-4_paper.py.
load_from = 'data/weights/supervised_voc_1-4_paper.pth'

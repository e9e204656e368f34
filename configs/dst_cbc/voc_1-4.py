# 1/4 of VOC trainaug: 2645 labeled and 7937 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/4_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=19860,  # 60 epochs of 331
    iters_per_round=11910,
)  # 6 passes over the unlabeled images

# 1/50 of VOC trainaug: 211 labeled and 10371 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/50_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=5724,  # 212 epochs of 27
    iters_per_round=15558,
)  # 6 passes over the unlabeled images

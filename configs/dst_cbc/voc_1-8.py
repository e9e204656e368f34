# 1/8 of VOC trainaug: 1322 labeled and 9260 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/8_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=14110,  # 85 epochs of 166
    iters_per_round=13890,
)  # 6 passes over the unlabeled images

# 1/20 of VOC trainaug: 530 labeled and 10052 unlabeled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/20_0'
labeled = dict(ann_file=f'{split}/labeled.txt')
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=8978,  # 134 epochs of 67
    iters_per_round=15078,
)  # 6 passes over the unlabeled images

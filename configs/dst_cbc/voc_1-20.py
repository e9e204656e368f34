# 1/20 of VOC trainaug: 530 labelled and 10052 unlabelled images.
_base_ = ['./voc_1464.py']
split = 'data/splits/voc12/dst_cbc/20_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=8978,  # 134 epochs of 67
    iters_per_round=15078)  # 6 passes over the unlabelled images

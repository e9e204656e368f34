# 1/4 of Cityscapes: 743 labelled and 2232 unlabelled images.
_base_ = ['./cityscapes_1-30.py']
split = 'data/splits/cityscapes/dst_cbc/4_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=11160,  # 120 epochs of 93
    iters_per_round=3348)  # 6 passes over the unlabelled images

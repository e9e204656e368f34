# 1/8 of Cityscapes: 371 labelled and 2604 unlabelled images.
_base_ = ['./cityscapes_1-30.py']
split = 'data/splits/cityscapes/dst_cbc/8_0'
labelled = dict(ann_file=f'{split}/labeled.txt')
unlabelled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=labelled)
semi_dataloader = dict(
    dataset=dict(labelled=labelled, unlabelled=dict(dataset=unlabelled)))
label_dataloader = dict(dataset=dict(dataset=unlabelled))
train_cfg = dict(
    supervised_iters=7990,  # 170 epochs of 47
    iters_per_round=3906)  # 6 passes over the unlabelled images

# DMT with difference-maximized sampling on 1/106 of VOC trainaug, split 1
# (dmt-voc-106-1lr.sh). Both models start from COCO weights, but their
# baselines see different 80 % of the labels; the phases see all.
_base_ = ['./voc_1-20_a.py']
split = 'data/splits/voc12/dst_cbc/106_1'
subset = 'data/splits/voc12/dst_cbc/106-l_1'
unlabeled = dict(ann_file=f'{split}/unlabeled.txt')
train_dataloader = dict(dataset=dict(ann_file=f'{subset}/labeled.txt'))
semi_dataloader = dict(
    dataset=dict(
        labeled=dict(ann_file=f'{split}/labeled.txt'),
        unlabeled=dict(dataset=unlabeled),
    )
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=3000,  # 300 epochs of 10
    iters_per_round=5992,
)  # 4 passes over the unlabeled images
baseline_cfg = dict(train_cfg=dict(val_interval=100))

# DMT with VOC's own train as labels, model A: from COCO weights
# (dmt-voc-sbd-0.sh).
_base_ = ['./voc_1-20_a.py']
labeled = dict(ann_file=f'{_base_.lists}/train.txt')
unlabeled = dict(ann_file=f'{_base_.lists}/aug.txt')
train_dataloader = dict(dataset=labeled)
semi_dataloader = dict(
    dataset=dict(labeled=labeled, unlabeled=dict(dataset=unlabeled))
)
label_dataloader = dict(dataset=dict(dataset=unlabeled))
train_cfg = dict(
    supervised_iters=15555,  # 85 epochs of 183
    iters_per_round=6515,
)  # 5 passes over the unlabeled images
baseline_cfg = dict(train_cfg=dict(val_interval=350))

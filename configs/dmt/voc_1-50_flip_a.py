# Ablation of DMT (abl_flip.sh): where the live model wins, it changes the
# label. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
split = 'data/splits/voc12/dst_cbc/50_2'
subset = 'data/splits/voc12/dst_cbc/50-l_2'
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
    supervised_iters=2814,  # 134 epochs of 21
    iters_per_round=5928,
)  # 4 passes over the unlabeled images
model = dict(objective=dict(type='FlipLoss'))

# Ablation of DMT (abl_flip.sh): where the live model wins, it changes the
# label. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
data = dict(split='50_2', baseline_split='50-l_2')
train_cfg = dict(supervised_iters='134 labeled epochs')
baseline_cfg = dict(train_cfg=dict(val_interval=220))
model = dict(objective=dict(type='FlipLoss'))

# Ablation of DMT (abl_dst.sh): one model labels for itself, so this is run by
# tools/train.py. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
data = dict(split='50_2')
train_cfg = dict(supervised_iters='134 labeled epochs')
baseline_cfg = dict(train_cfg=dict(val_interval=220))

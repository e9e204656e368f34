# Ablation of DMT (abl_naive.sh): every pseudo-label weighted alike, whether
# the models agree or not. 1/50 of VOC trainaug, split 2.
_base_ = ['./voc_1-20_a.py']
data = dict(split='50_2', baseline_split='50-l_2')
train_cfg = dict(supervised_iters='134 labeled epochs')
baseline_cfg = dict(train_cfg=dict(val_interval=220))
model = dict(objective=dict(_delete_=True, type='NaiveMutualLoss', power=5))

# Ablation: plain self-training, all labels in one round.
_base_ = ['./voc_1-20_dst.py']
model = dict(objective=dict(gamma=0))

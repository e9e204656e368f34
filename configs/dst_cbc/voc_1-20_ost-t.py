# Ablation: labels of the moment, where confident.
_base_ = ['./voc_1-20_ost.py']
model = dict(objective=dict(threshold=0.9 + 1e-4))

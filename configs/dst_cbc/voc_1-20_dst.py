# Ablation: dynamic loss without curriculum, all labels in one round.
_base_ = ['./voc_1-20_dst-cbc.py']
train_cfg = dict(portions=(1.0,), iters_per_round='30 epochs')

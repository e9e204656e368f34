# Ablation of DMT (abl_online.sh): one model, labels of the moment where
# confident, in one round.
_base_ = ['./voc_1-50_dst.py']
model = dict(
    objective=dict(_delete_=True, type='OnlineSelfTrainingLoss', threshold=0.9)
)
train_cfg = dict(portions=(1.0,), iters_per_round='20 epochs')

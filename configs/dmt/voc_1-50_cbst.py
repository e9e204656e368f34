# Ablation of DMT (abl_cbst.sh): one model labels for itself, plain loss.
_base_ = ['./voc_1-50_dst.py']
model = dict(objective=dict(gamma1=0, gamma2=0))

# Model B: the baseline sees the other 80 % of the labels.
_base_ = ['./voc_1-106_dms_a.py']
data = dict(baseline_split='106-r_1')
randomness = dict(seed=2)

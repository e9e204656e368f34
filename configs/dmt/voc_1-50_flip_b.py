# Model B: the baseline sees the other 80 % of the labels.
_base_ = ['./voc_1-50_flip_a.py']
data = dict(baseline_split='50-r_2')
randomness = dict(seed=2)

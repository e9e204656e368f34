# Model B: the baseline sees the other 80 % of the labels.
_base_ = ['./voc_1-50_flip_a.py']
subset = 'data/splits/voc12/dst_cbc/50-r_2'
train_dataloader = dict(dataset=dict(ann_file=f'{subset}/labeled.txt'))
randomness = dict(seed=2)

# DST-CBC by the program of its branch `scale` (ss_voc_example.sh): the fixed
# augmentation and labeling rule, thresholds of every 16th pixel, each round
# from the best model of all so far, the best on val as the result. 1/106 of
# VOC trainaug, --split 106_1, 106_2; 20_0 and so on.
_base_ = ['./voc_1464.py']
data = dict(split='106_0')
model = dict(student=dict(init_cfg=None))  # round 0 is a finished baseline
# Best snapshot of configs/supervised/voc_1-106_scale.py on this split.
load_from = 'data/weights/supervised_voc_{split}_scale.pth'
train_cfg = dict(supervised_iters=0, start_from='best', val_interval=1000)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
hooks = dict(labeling=dict(labeler=dict(stride=16)))

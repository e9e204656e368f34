# Round 0 of ../dst_cbc/voc_1-106_scale.py: the best snapshot on val counts, as
# in the program of DST-CBC's branch `scale`; --split 106_1, 20_0 and so on.
_base_ = ['./voc_1464.py']
data = dict(split='106_0')
default_hooks = dict(checkpoint=dict(save_best='mIoU'))

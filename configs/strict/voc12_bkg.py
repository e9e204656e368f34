# STRICT on VOC with background as a seen class, 16/5: its pixels take an
# unseen class where views agree, and stay background where they do not.
_base_ = ['./voc12.py']
data = dict(variant='background')
model = dict(semi_train_cfg=dict(background=0))

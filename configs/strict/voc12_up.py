# voc12 with three views: 1.5 and 1.75 times the size.
_base_ = './voc12.py'
model = dict(views=dict(mirror=False, scales='up'))

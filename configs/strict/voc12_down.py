# voc12 with three views: 0.5 and 0.75 times the size.
_base_ = './voc12.py'
model = dict(views=dict(mirror=False, scales='down'))

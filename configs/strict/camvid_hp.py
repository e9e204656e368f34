# camvid with hard pseudo-labels of one view: plain self-training.
_base_ = './camvid.py'
model = dict(views=dict(mirror=False, scales='none'))

# voc12 with hard pseudo-labels of one view (SPNet+ST), nothing filtered.
_base_ = './voc12.py'
model = dict(views=dict(mirror=False, scales='none'))

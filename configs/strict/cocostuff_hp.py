# cocostuff with hard pseudo-labels of one view (SPNet+ST).
_base_ = './cocostuff.py'
model = dict(views=dict(mirror=False, scales='none'))

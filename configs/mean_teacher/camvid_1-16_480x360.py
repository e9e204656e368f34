# CamVid at its own 480x360, in mixed precision, for a GPU. The recipe is that
# of camvid_1-16.py, which says why; not trained by us.
_base_ = ['./camvid_1-16.py']
data = dict(variant='480x360')
optim_wrapper = dict(type='AmpOptimWrapper')
hooks = dict(channels_last=None)

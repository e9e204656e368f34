# voc12 with three views: two scales drawn from 0.5 to 1.75.
_base_ = './voc12.py'
model = dict(views=dict(mirror=False, scales='random'))
env_cfg = dict(cudnn_benchmark=False)  # hardly a size comes twice

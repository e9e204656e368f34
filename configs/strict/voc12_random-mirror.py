# voc12 with six views: two scales drawn from 0.5 to 1.75, all mirrored too.
_base_ = './voc12.py'
model = dict(views=dict(mirror=True, scales='random'))
env_cfg = dict(cudnn_benchmark=False)  # hardly a size comes twice

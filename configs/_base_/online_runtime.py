# Training in which every iteration sees unlabeled images.
_base_ = ['./supervised_runtime.py']
regime = 'online'

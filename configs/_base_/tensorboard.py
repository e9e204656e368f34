# Curves and pictures for TensorBoard (`pip install tensorboard`). To be named
# in `_base_` in place of default_runtime.py; for a config that exists, copy
# `visualizer` into a file based on it. Look at them with
# `tensorboard --logdir work_dirs`.
_base_ = ['./default_runtime.py']
vis_backends = [
    dict(type='LocalVisBackend'),
    dict(type='TensorboardVisBackend')
]
visualizer = dict(vis_backends=vis_backends)

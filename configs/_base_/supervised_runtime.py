# Plain supervised training in iterations; set max_iters and val_interval.
_base_ = ['./default_runtime.py']
train_cfg = dict(type='IterBasedTrainLoop')
regime = 'supervised'

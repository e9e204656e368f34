# Mean Teacher with classes weighted by how rare they are in the labels.
_base_ = ['./mean_teacher.py']
criterion = dict(
    type='ClassBalancedCrossEntropyLoss',
    mode='sqrt_inverse',
    class_frequency='labeled',
)
model = dict(
    student=dict(decode_head=dict(loss_decode=criterion)),
    unsup_loss=dict(criterion=criterion),
)
hooks = dict(class_frequency=dict(type='ClassFrequencyHook'))

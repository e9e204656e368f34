# For comparison: plain confident self-training on the procedural set. Every
# prediction above 0.9 is a label of full weight, in every round.
_base_ = ['./shapes.py']
model = dict(objective=dict(gamma=0))
custom_hooks = [
    dict(type='ChannelsLastHook'),
    dict(type='ClassFrequencyHook'),
    dict(
        type='PseudoLabelHook',
        labeler=dict(type='FixedThresholdPseudoLabeler', threshold=0.9),
        **_base_.labeling,
    ),
]

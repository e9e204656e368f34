# For comparison: plain confident self-training on the procedural set. Every
# prediction above 0.9 is a label of full weight, in every round.
_base_ = ['./shapes.py']
model = dict(objective=dict(gamma=0))
hooks = dict(
    labeling=dict(
        labeler=dict(
            _delete_=True, type='FixedThresholdPseudoLabeler', threshold=0.9
        )
    )
)

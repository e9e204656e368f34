# Five rounds of DST-CBC with the fixed labeling rule, in whatever network and
# data set.
_base_ = ['../schedules/sgd_poly.py', '../default_runtime.py']
train_cfg = dict(
    type='SelfTrainingLoop',
    supervised_iters='{epochs} labeled epochs',
    portions=(0.2, 0.4, 0.6, 0.8, 1.0),
    iters_per_round='6 epochs',
)
hooks = dict(
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
    )
)

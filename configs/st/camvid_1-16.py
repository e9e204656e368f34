# ST on CamVid, 23 labeled and 344 unlabeled images, for a CPU. Network, class
# weights, optimizer and views of the labeling are those of
# ../dst_cbc/camvid_1-16.py, which says why. Class weights are not undone: here
# every pixel keeps its label, and without its weights the network finds half
# of the classes hardly ever (figures: ../st_plus_plus/README.md). The network
# that labels is as long in training as round 0 there, the last one as long as
# the networks of the methods that this is compared with.
_base_ = ['../dst_cbc/camvid_1-16.py', '../_base_/strong_colors.py']
model = dict(objective=dict(gamma=0))
data = dict(
    round_augment=[
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
        *_base_.strong,
        dict(type='NoiseCutOut'),
    ]
)
train_cfg = dict(start_from='scratch', portions=(1.0,), iters_per_round=1000)
hooks = dict(
    labeling=dict(
        undo_class_weights=False,
        labeler=dict(
            _delete_=True, type='FixedThresholdPseudoLabeler', threshold=0.0
        ),
    )
)

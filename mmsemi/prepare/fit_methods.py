"""What configs of a training on somebody's own images say of each method."""

# The base config that runs it, of `_base_/..._runtime.py`.
RUNTIMES = dict(
    dst_cbc='default',
    mean_teacher='online',
    fixmatch='online',
    unimatch='online',
    supervised='supervised',
)
STRONG = ('fixmatch', 'unimatch')
# Of DST-CBC: shares of the labels that are kept, round by round.
_PORTIONS = (0.5, 0.8)
_METHOD = """\
model = dict(
    _delete_=True,
    type={kind!r},
    student=student,
    pseudo_labeler=dict(type='ConfidencePseudoLabeler', threshold=0.7),
    # Without class weights: rare classes grow in labels for oneself.
    unsup_loss=dict(type='PseudoLabelCrossEntropyLoss'),
    mixing=dict({mixing}),
    semi_test_cfg=dict(predict_on={network!r}),
)
"""
_CUTMIX = "type='CutMix', box='cutmix_seg', prob=1.0"
_UNIMATCH = """
        type='CutMix',
        box='unimatch',
        prob=0.5,
        per_image=True,
        partner='flip',
    """
_ROUNDS = """\
model = dict(
    _delete_=True,
    type='SelfTrainingSegmentor',
    student=student,
    objective=dict(
        type='DynamicSelfTrainingLoss', gamma=1, criterion=criterion
    ),
)
"""
ROUND_AUGMENT = """\
    round_augment=[  # of images with pseudo-labels
        dict(type='RandomScale', ratio_range=(0.75, 1.75)),
        dict(type='PadSegFields'),
        dict(type='RandomCrop'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PhotoMetricDistortion'),
    ],
"""
_LABELING = """\
    labeling=dict(
        type='PseudoLabelHook',
        labeler=dict(
            type='ClassBalancedPseudoLabeler', rule='argmax', stride=1
        ),
        undo_class_weights={weighted},
        flip=True,
        scales=(1.0, 1.5),
    ),
"""
_TEACHER = """\
    teacher=dict(
        type='MeanTeacherHook',
        momentum=0.01,
        schedule='inverse',
        buffers='ema',
    ),
"""
_PICTURES = """\
    pictures=dict(type='TrainingPictureHook'),
    audit=dict(type='PseudoLabelAuditHook'),
"""


def length_text(method: str, iters: int, begun: int) -> str:
    """How long a method trains.

    Args:
        method: its name.
        iters: iterations of the whole training.
        begun: of these, those that another training has done for it.
    """
    left = iters - begun
    if RUNTIMES[method] != 'default':
        return f'train_cfg = dict(max_iters={left}, val_interval={left})\n'
    alone = 0 if begun else iters // 2
    left -= alone
    # A round needs an iteration.
    lengths = (left // 2, left - left // 2) if left > 1 else (left,)
    return (
        'train_cfg = dict(\n'
        "    type='SelfTrainingLoop',\n"
        f'    supervised_iters={alone},\n'
        f'    portions={_PORTIONS[-len(lengths) :]},\n'
        f'    iters_per_round={lengths},\n'
        ')\n'
    )


def model_text(method: str) -> str:
    """The segmentor around the student."""
    if method == 'supervised':
        return 'model = student\n'
    if method == 'dst_cbc':
        return _ROUNDS
    unimatch = method == 'unimatch'
    return _METHOD.format(
        kind='UniMatch' if unimatch else 'MeanTeacher',
        mixing=_UNIMATCH if unimatch else _CUTMIX,
        network='student' if unimatch else 'teacher',
    )


def hooks_text(method: str, weighted: bool) -> str:
    """Hooks of a method.

    Args:
        method: its name.
        weighted: whether classes are weighted by their frequencies.
    """
    text = (
        "    channels_last=dict(type='ChannelsLastHook'),\n"
        "    collapse=dict(type='CollapseHook', on_collapse='restore'),\n"
    )
    if weighted:
        text += "    class_frequency=dict(type='ClassFrequencyHook'),\n"
    if method == 'dst_cbc':
        text += _LABELING.format(weighted=weighted)
    if method in ('mean_teacher', 'fixmatch'):
        text += _TEACHER
    if RUNTIMES[method] == 'online':
        text += _PICTURES
    return f'hooks = dict(\n{text})\n'

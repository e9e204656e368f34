"""The labeler of a run in rounds, refused where it cannot be one."""

import inspect
from collections.abc import Sequence

from torch import nn

from mmsemi.models.pseudo_labelers import RoundPseudoLabeler
from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError


def round_labeler(config: dict, classes: Sequence[str]) -> RoundPseudoLabeler:
    """Build the labeler of a run in rounds.

    Args:
        config: of the labeler; ``num_classes`` is filled in.
        classes: their names.

    Raises:
        UsageError: if it does not label whole sets, or is given settings of
            another one, which a config inherits from the one it changes.
    """
    kind = config.get('type')
    if isinstance(kind, str):
        kind = MODELS.get(kind)  # None: building says what is wrong
    if inspect.isclass(kind) and not issubclass(kind, RoundPseudoLabeler):
        raise UsageError(
            f'hooks.labeling.labeler: {kind.__name__} does not serve a run '
            'in rounds, whose labeler sets its thresholds from the '
            'predictions for all unlabeled images. Choose one of '
            f'{", ".join(round_labelers())}'
        )
    if inspect.isclass(kind):
        refuse_unknown(config, kind)
    return MODELS.build(dict(config, num_classes=len(classes)))


def check_learned(labeler: RoundPseudoLabeler, model: nn.Module) -> None:
    """Refuse soft labels where the objective of a model learns none.

    Raises:
        UsageError: naming both.
    """
    objective = getattr(model, 'objective', None)
    if labeler.gives_soft and getattr(objective, 'refuses_soft', False):
        raise UsageError(
            f'model.objective.type={type(objective).__name__} cannot learn '
            f'the soft labels of {type(labeler).__name__}. Choose '
            'ConfidenceRegularizedLoss, or a labeler of hard labels such as '
            'CBSTPseudoLabeler for hooks.labeling'
        )


def refuse_unknown(config: dict, kind: type) -> None:
    """Refuse settings that a labeler does not have."""
    known = inspect.signature(kind).parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return
    unknown = [name for name in config if name not in (*known, 'type')]
    if unknown:
        taken = [name for name in known if name != 'num_classes']
        raise UsageError(
            f'hooks.labeling.labeler: {kind.__name__} has no '
            f'{", ".join(unknown)}, it takes {", ".join(taken)}. What the '
            'base config sets for another labeler is left out by '
            '_delete_=True beside the type'
        )


def round_labelers() -> list[str]:
    """Names of the labelers there are for runs in rounds."""
    return sorted(
        name
        for name, kind in MODELS.module_dict.items()
        if inspect.isclass(kind) and issubclass(kind, RoundPseudoLabeler)
    )

"""What class weights in a loss do to the probabilities of a network."""

from typing import Any

from torch import Tensor, nn

from mmsemi.utils.errors import UsageError


def own_class_weights(head: nn.Module) -> Any:
    """Class weights of the losses of a decode head, None without any.

    A tensor (C,) of a :class:`ClassBalancedCrossEntropyLoss`, ``'labeled'``
    where that waits for the labels; numbers of mmseg's losses.
    """
    losses = getattr(head, 'loss_decode', None)
    for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
        weights = getattr(loss, 'class_weight', None)
        if weights is None and getattr(loss, 'awaits_frequency', False):
            return 'labeled'
        if weights is not None:
            return weights
    return None


def learned_class_weights(model: nn.Module) -> Tensor:
    """Class weights (C,) in the objective of a run in rounds.

    Raises:
        UsageError: if there are none that a labeling could undo.
    """
    criterion = getattr(getattr(model, 'objective', None), 'criterion', None)
    weights = getattr(criterion, 'class_weight', None)
    if weights is None:
        raise UsageError(
            'undo_class_weights=True of the labeling, but the '
            f'{type(model).__name__} has no class weights to undo in '
            'objective.criterion: leave it out, or set class weights'
        )
    return weights


def undo_class_weights(logits: Tensor, class_weight: Tensor) -> Tensor:
    """Logits under the classes' own frequencies.

    A network trained with weights w predicts probabilities proportional to
    ``w_c p_c``, so it paints rare classes too large; subtracting log w from
    the logits divides the weights out. A class of weight 0 is not learned,
    so it is left as it is.

    Args:
        logits: (N, C, H, W), float32.
        class_weight: (C,), not negative.
    """
    weights = class_weight.where(class_weight > 0, 1.0)
    return logits - weights.log().view(1, -1, 1, 1)

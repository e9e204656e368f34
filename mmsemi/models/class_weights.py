"""What class weights in a loss do to the probabilities of a network."""

from torch import Tensor


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

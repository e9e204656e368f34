"""Word vectors folded into a classifier of mmseg, and taken out again."""

from typing import TYPE_CHECKING

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmsemi.registry import MODELS
from mmsemi.utils.errors import UsageError

from .deeplabv2_head import DeepLabV2Head, undo_aspp

if TYPE_CHECKING:
    from .semantic_embedding_head import SemanticEmbeddingHead


def fold(
    head: 'SemanticEmbeddingHead', cfg: dict
) -> tuple[dict, dict[str, Tensor]]:
    """Config and weights of an mmseg head with equal logits.

    The word vectors are folded into the classifier of the inner head.

    Args:
        head: head of mmsemi.
        cfg: config it was built from.

    Raises:
        UsageError: when the inner head has no classifier to fold into.
    """
    if head.gamma:
        print_log(
            f'gamma={head.gamma} needs probabilities; the exported model '
            'predicts without calibration',
            'current',
        )
    vectors = head.embeddings.detach().float() / head.temperature
    inner = dict(cfg['head'], num_classes=head.num_classes)
    if isinstance(head.head, DeepLabV2Head):
        # Linear up to the classes, so that its own size shrinks.
        folded = MODELS.build(inner)
        for ours, conv in zip(folded.convs, head.head.convs):
            ours.weight.data = torch.einsum(
                'cd,dikl->cikl', vectors, conv.weight.detach()
            )
            ours.bias.data = vectors @ conv.bias.detach()
        return folded.to_mmseg(inner)
    if hasattr(head.head, 'to_mmseg'):
        plain, state = head.head.to_mmseg(
            dict(cfg['head'], num_classes=head.channels)
        )
    else:
        plain, state = inner, dict(head.head.state_dict())
    weight = state.get('conv_seg.weight')
    if weight is None or len(weight) != head.channels:
        raise UsageError(
            f'{type(head.head).__name__} has no 1x1 classifier that word '
            'vectors can be folded into; export it by hand'
        )
    state['conv_seg.weight'] = torch.einsum('cd,dikl->cikl', vectors, weight)
    state['conv_seg.bias'] = vectors @ state['conv_seg.bias']
    return dict(plain, num_classes=head.num_classes), state


def unfold(head: 'SemanticEmbeddingHead', state: dict, prefix: str) -> None:
    """Take the word vectors out of the weights of :func:`fold` again.

    Of all classifiers with the same logits this gives the one of least
    norm; there is one if the vectors are linearly independent. Weights it
    does not apply to stay as they are.

    Args:
        head: head of mmsemi the weights are for.
        state: weights, changed in place.
        prefix: of the names of the head's weights.
    """
    inner = f'{prefix}head.'
    if any(k.startswith((inner, f'{prefix}embeddings')) for k in state):
        return
    vectors = head.embeddings.detach().double().cpu() / head.temperature
    inverse = torch.linalg.pinv(vectors)
    eye = torch.eye(len(vectors), dtype=vectors.dtype)
    if not torch.allclose(vectors @ inverse, eye, atol=1e-6):
        return
    undo_aspp(state, prefix, head.num_classes)
    linear = isinstance(head.head, DeepLabV2Head)
    folded = 'convs' if linear else 'conv_seg'
    for key in [key for key in state if key.startswith(prefix)]:
        name, value = key[len(prefix) :], state.pop(key)
        if name.split('.')[0] == folded and len(value) == len(vectors):
            flat = value.cpu().double().view(len(value), -1)
            value = (inverse @ flat).view(-1, *value.shape[1:]).to(value)
        state[inner + name] = value

import copy
from typing import Any

from mmengine.config import ConfigDict
from mmseg.models.segmentors.base import BaseSegmentor
from torch import Tensor, nn

from mmsemi.registry import MODELS, bare_name
from mmsemi.utils.errors import UsageError
from mmsemi.utils.labels import IGNORE

from .frozen_copy import copy_weights, frozen_copy


class SemiSegmentor(BaseSegmentor):
    """Wrapper that trains ordinary mmseg segmentors with unlabeled images.

    Prediction is that of one of the sub-models, so validation, testing,
    test-time augmentation and inference are mmseg's own. Subclasses write
    ``loss``.

    Args:
        student: config of an mmseg segmentor. Its ``data_preprocessor`` is
            used for every branch unless one is given here.
        data_preprocessor: config of a preprocessor; wrapped into a
            :class:`MultiBranchDataPreprocessor` if it is none. Without a
            ``type`` its keys change those of the student's.
        semi_train_cfg: settings of the method in training.
        semi_test_cfg: ``predict_on`` names the sub-model that predicts.
        init_cfg: initialization of the wrapper, rarely needed.
    """

    # Sub-modules that hold one whole segmentor each.
    sub_models: tuple[str, ...] = ('student',)
    # Those of them that are frozen copies of the student. A checkpoint
    # without them fills them with its student.
    frozen_copies: tuple[str, ...] = ()
    # All settings there are.
    train_defaults: dict[str, Any] = {}
    test_defaults: dict[str, Any] = dict(predict_on='student')

    def __init__(
        self,
        student: dict,
        data_preprocessor: dict | None = None,
        semi_train_cfg: dict | None = None,
        semi_test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        # mmseg writes into the config it builds from, and reads test_cfg
        # by attributes.
        student = ConfigDict(copy.deepcopy(student))
        inner = student.pop('data_preprocessor', None)
        super().__init__(
            data_preprocessor=multi_branch_preprocessor(
                inner, data_preprocessor
            ),
            init_cfg=init_cfg,
        )
        self.register_load_state_dict_pre_hook(accept_plain)
        self.student = MODELS.build(student)
        for name in self.frozen_copies:
            self.add_module(name, frozen_copy(self.student))
        self.semi_train_cfg = with_defaults(
            semi_train_cfg, self.train_defaults, 'semi_train_cfg'
        )
        self.semi_test_cfg = with_defaults(
            semi_test_cfg, self.test_defaults, 'semi_test_cfg'
        )
        if self.semi_test_cfg['predict_on'] not in self.sub_models:
            raise ValueError(
                f'semi_test_cfg.predict_on must be one of {self.sub_models}, '
                f'got {self.semi_test_cfg["predict_on"]!r}'
            )

    def init_weights(self) -> None:
        """Initialize all but the frozen copies, which follow."""
        copies = {name: getattr(self, name) for name in self.frozen_copies}
        order = [name for name, _ in self.named_children()]
        for name in copies:
            delattr(self, name)
        super().init_weights()
        for name, copied in copies.items():
            self.add_module(name, copied)
            self.sync_copy(name)
        # mmengine's EMAHook pairs buffers with those of an earlier copy.
        for name in order:
            child = getattr(self, name)
            delattr(self, name)
            self.add_module(name, child)

    def sync_copy(self, name: str) -> None:
        """Make a frozen copy equal to the student, buffers included."""
        copy_weights(self.student, getattr(self, name))

    @property
    def filled_by_plain(self) -> tuple[str, ...]:
        """Sub-models that the checkpoint of a plain segmentor fills.

        Another student stays as it was initialized: two equal ones would
        have nothing to teach each other.
        """
        return ('student', *self.frozen_copies)

    @property
    def predictor(self) -> BaseSegmentor:
        """The sub-model named by ``semi_test_cfg.predict_on``."""
        return getattr(self, self.semi_test_cfg['predict_on'])

    @property
    def align_corners(self) -> bool:
        """How the predicting model up-samples its logits."""
        return self.predictor.align_corners

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.predictor.num_classes

    @property
    def out_channels(self) -> int:
        """Number of channels of the logits."""
        return self.predictor.out_channels

    @property
    def decode_head(self) -> nn.Module:
        """Decode head of the predicting model."""
        return self.predictor.decode_head

    def extract_feat(self, inputs: Tensor):
        """Features of the predicting model."""
        return self.predictor.extract_feat(inputs)

    def encode_decode(
        self, inputs: Tensor, batch_img_metas: list[dict]
    ) -> Tensor:
        """Up-sampled logits of the predicting model."""
        return self.predictor.encode_decode(inputs, batch_img_metas)

    def predict(self, inputs: Tensor, data_samples: list | None = None):
        """Predictions at the original size, by the predicting model."""
        return self.predictor.predict(inputs, data_samples)

    def _forward(self, inputs: Tensor, data_samples: list | None = None):
        return self.predictor._forward(inputs, data_samples)


def accept_plain(
    model: nn.Module, state_dict: dict, prefix: str, *_: Any
) -> None:
    """Accept checkpoints of a plain segmentor, and of fewer sub-models.

    They fill the student and its frozen copies, which would else stay
    random in silence.

    Args:
        model: a :class:`SemiSegmentor` that a checkpoint is loaded into.
        state_dict: changed in place.
        prefix: what the keys of the model begin with.

    Raises:
        RuntimeError: when nothing in the checkpoint fits, which a
            non-strict load would pass over in silence.
    """
    assert isinstance(model, SemiSegmentor)
    names = tuple(f'{prefix}{name}.' for name in model.sub_models)
    filled = tuple(f'{prefix}{name}.' for name in model.filled_by_plain)
    own = [key for key in state_dict if key.startswith(prefix)]
    if own and not any(key.startswith(names) for key in own):
        for key in own:
            value = state_dict.pop(key)
            for name in filled:
                state_dict[name + key[len(prefix) :]] = value
    student = [key for key in state_dict if key.startswith(filled[0])]
    for name in filled[1:]:
        if student and not any(k.startswith(name) for k in state_dict):
            state_dict.update(
                (name + key[len(filled[0]) :], state_dict[key])
                for key in student
            )
    wanted = [prefix + key for key in model.state_dict()]
    if not any(key in state_dict for key in wanted):
        raise RuntimeError(
            f'the checkpoint fits no part of {type(model).__name__}: it '
            f'holds keys such as {own[:3]}, the model {wanted[:3]}. '
            'Backbone weights go to backbone.init_cfg, foreign '
            'checkpoints through `mmsemi convert`'
        )


def check_head(student: BaseSegmentor) -> None:
    """Refuse heads from which nothing can be learned without labels.

    Raises:
        TypeError: for a cascade of heads.
        ValueError: for a head of one channel, or one that ignores another
            label than padding has.
    """
    if isinstance(student.decode_head, nn.ModuleList):
        raise TypeError(
            'the student needs exactly one decode head; '
            'cascades are not supported'
        )
    if student.out_channels < 2:
        raise ValueError(
            'a head with one channel (binary, with a sigmoid) has no '
            'probabilities of classes: give it two classes and '
            'out_channels=2'
        )
    for name, head in heads(student):
        ignored = getattr(head, 'ignore_index', IGNORE)
        if ignored != IGNORE:
            raise ValueError(
                f'ignore_index={ignored} of the {name} head: pixels without '
                f'a class, such as padding, are {IGNORE} everywhere. Let '
                f'MapLabels make {IGNORE} of {ignored} when masks are loaded, '
                'and leave ignore_index out'
            )


def logits_of(head: nn.Module, feats: tuple) -> Tensor:
    """Logits (N, C, h, w) of a head.

    Raises:
        UsageError: if it gives anything else.
    """
    logits = head(feats)
    if not isinstance(logits, Tensor):
        raise UsageError(
            f'{type(head).__name__} gives no single map of logits, which '
            'learning from unlabeled images needs: choose another head'
        )
    return logits


def heads(segmentor: nn.Module) -> list[tuple[str, nn.Module]]:
    """Decode head and auxiliary heads of a segmentor by name."""
    found = [('decode', segmentor.decode_head)]
    auxiliary = getattr(segmentor, 'auxiliary_head', None)
    if isinstance(auxiliary, nn.ModuleList):
        found += [(f'aux_{i}', head) for i, head in enumerate(auxiliary)]
    elif auxiliary is not None:
        found.append(('aux', auxiliary))
    return found


def with_defaults(given: dict | None, defaults: dict, name: str) -> dict:
    """Settings with defaults filled in.

    Raises:
        ValueError: for a name that does not exist.
    """
    unknown = sorted(set(given or {}) - set(defaults))
    if unknown:
        raise ValueError(
            f'{name} has no {", ".join(unknown)}; it takes '
            f'{", ".join(defaults)}'
        )
    return {**defaults, **(given or {})}


def multi_branch_preprocessor(inner: dict | None, given: dict | None) -> dict:
    """Config of the preprocessor of a wrapper.

    Args:
        inner: preprocessor config of the wrapped segmentor, or None.
        given: preprocessor config of the wrapper itself, or None.
    """
    chosen = copy.deepcopy(dict(inner or {}))
    if given and 'type' in given:
        chosen = copy.deepcopy(dict(given))
    elif given:
        chosen.update(copy.deepcopy(dict(given)))
    if bare_name(chosen.get('type')).endswith('MultiBranchDataPreprocessor'):
        return chosen
    return dict(
        type='MultiBranchDataPreprocessor', data_preprocessor=chosen or None
    )

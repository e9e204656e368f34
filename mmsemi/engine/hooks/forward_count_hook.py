"""What a training costs, in images that pass through networks."""

from collections import Counter

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook

from mmsemi.engine.pictures import FOR_PEOPLE
from mmsemi.io.files import write_json
from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS
from mmsemi.report.comparison import FORWARDS

from .run_summary_hook import publish_file

COUNTS = 'mmsemi/forwards'


@HOOKS.register_module()
class ForwardCountHook(Hook):
    """Count images that pass through the backbones, in ``forwards.json``.

    Of each network, ``learning`` has the images that passed with gradients,
    ``looking`` those without (labels of a teacher, statistics), ``labeling``
    those of labeling passes between rounds. Validation and pictures do not
    count.
    Backbones whose features come from a cache are not run and not counted.
    """

    # Before the hook that labels a round.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.phase = ''
        self.handles: list = []

    def before_train(self, runner) -> None:
        """Begin to count, a resumed run where it stood."""
        self.counts = Counter(runner.message_hub.get_info(COUNTS, {}))
        model = unwrapped(runner.model)
        for name in getattr(model, 'sub_models', ('',)):
            network = getattr(model, name) if name else model
            backbone = getattr(network, 'backbone', None)
            if backbone is not None:
                self.handles.append(
                    backbone.register_forward_pre_hook(
                        self._counter(name or 'network')
                    )
                )

    def _counter(self, name: str):
        def count(module, inputs) -> None:
            if self.phase and not FOR_PEOPLE.get():
                kind = self.phase
                if kind == 'learning' and not torch.is_grad_enabled():
                    kind = 'looking'
                self.counts[f'{name}.{kind}'] += len(inputs[0])

        return count

    def before_round(self, runner) -> None:
        """A pass over the unlabeled set may follow."""
        self.phase = 'labeling'

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """What passes now is a part of a step."""
        self.phase = 'learning'

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        """Keep the counts where checkpoints take them along."""
        self.phase = ''
        runner.message_hub.update_info(COUNTS, dict(self.counts))

    def after_train(self, runner) -> None:
        """Write the counts of all processes, which are alike."""
        for handle in self.handles:
            handle.remove()
        if is_main_process():
            found: dict[str, dict[str, int]] = {}
            for key, number in sorted(self.counts.items()):
                name, kind = key.split('.')
                found.setdefault(name, {})[kind] = number * get_world_size()
            write_json(runner.work_dir, FORWARDS, found)
            publish_file(runner, 'forwards', FORWARDS)

from mmengine.hooks import Hook

from mmsemi.models.wrappers import unwrapped
from mmsemi.registry import HOOKS


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile the backbones of all networks with ``torch.compile``.

    The names of their weights stay, so checkpoints are those of a run
    without it. The first iterations take a minute or more; images of many
    sizes are compiled again and again, so crops should have one size.

    Args:
        **options: of ``torch.compile``, such as ``mode='max-autotune'``.
    """

    def __init__(self, **options) -> None:
        self.options = options

    def before_train(self, runner) -> None:
        """Mark the backbones; each is compiled when it first runs."""
        model = unwrapped(runner.model)
        names = getattr(model, 'sub_models', None)
        networks = [getattr(model, n) for n in names] if names else [model]
        for network in networks:
            network.backbone.compile(**self.options)

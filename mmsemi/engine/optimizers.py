"""The optimizers of a run, of which a model may have several."""

from mmengine.optim import OptimWrapper, OptimWrapperDict


def single_wrappers(
    optim_wrapper: OptimWrapper | OptimWrapperDict,
) -> list[OptimWrapper]:
    """The wrappers that hold one optimizer each."""
    if isinstance(optim_wrapper, OptimWrapperDict):
        return list(optim_wrapper.values())
    return [optim_wrapper]


def forget_moments(optim_wrapper: OptimWrapper | OptimWrapperDict) -> None:
    """Let every optimizer start anew: momenta and averages are dropped."""
    for wrapper in single_wrappers(optim_wrapper):
        wrapper.optimizer.state.clear()


def groups_of(optim_wrapper: OptimWrapper | OptimWrapperDict) -> list[dict]:
    """Groups of parameters of all optimizers."""
    return [
        group
        for wrapper in single_wrappers(optim_wrapper)
        for group in wrapper.param_groups
    ]

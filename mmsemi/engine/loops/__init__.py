from .all_networks_val_loop import AllNetworksValLoop
from .self_training_loop import SelfTrainingLoop

__all__ = ['AllNetworksValLoop', 'SelfTrainingLoop']

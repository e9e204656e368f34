from .deeplab_resnet import DeepLabResNet
from .resnet38 import ResNet38

__all__ = ['DeepLabResNet', 'ResNet38']

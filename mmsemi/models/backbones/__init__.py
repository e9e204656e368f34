from .deeplab_resnet import DeepLabResNet
from .dinov2 import DINOv2
from .resnet38 import ResNet38

__all__ = ['DINOv2', 'DeepLabResNet', 'ResNet38']

from .hooks import *  # noqa: F401,F403
from .loops import *  # noqa: F401,F403
from .runner import CalmRunner  # noqa: F401
from .visualizer import LazyVisualizer, PictureFiles  # noqa: F401

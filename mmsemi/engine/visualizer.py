"""mmseg's visualizer without a figure until something is drawn.

And mmengine's files of pictures, whole or with an error.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import LocalVisBackend
from mmseg.visualization import SegLocalVisualizer

from mmsemi.io.files import cannot_write, partial_gone, write_png
from mmsemi.registry import VISBACKENDS, VISUALIZERS
from mmsemi.utils.errors import WriteError


@VISUALIZERS.register_module()
class LazyVisualizer(SegLocalVisualizer):
    """``SegLocalVisualizer`` that makes its figure for the first image.

    A training mostly writes numbers, and a figure needs matplotlib, whose
    import takes half a second.
    """

    ax_save: Any

    def __init__(
        self, name: str = 'visualizer', save_dir: str | None = None, **kwargs
    ) -> None:
        super().__init__(name, save_dir=save_dir, **kwargs)
        self.config_file = Path(save_dir or '.', 'vis_data/config.py')

    def add_config(self, config: Config, **kwargs) -> None:
        """Write the config beside the curves, whole or not at all.

        Raises:
            WriteError: if the disk is full, for instance.
        """
        try:
            super().add_config(config, **kwargs)
        except OSError as error:
            partial_gone(self.config_file)  # mmengine writes in place
            raise WriteError(cannot_write(self.config_file, error)) from error

    def _initialize_fig(self, fig_cfg: dict) -> tuple[Any, Any, Any]:
        """Stand for canvas, figure and axes, of which one is asked now."""
        return None, SimpleNamespace(get_dpi=lambda: None), None

    def set_image(self, image: np.ndarray) -> None:
        """Take the image to draw on, see the base class.

        Args:
            image: uint8 (H, W, 3), RGB.
        """
        if self.ax_save is None:
            (self.fig_save_canvas, self.fig_save, self.ax_save) = (
                super()._initialize_fig(self.fig_save_cfg)
            )
            self.dpi = self.fig_save.get_dpi()
        super().set_image(image)


@VISBACKENDS.register_module()
class PictureFiles(LocalVisBackend):
    """``LocalVisBackend`` that says so when a picture cannot be written.

    Args:
        save_dir: pictures are below ``vis_image/`` in it.
    """

    def __init__(self, save_dir: str, **kwargs) -> None:
        super().__init__(save_dir, img_save_dir='vis_image', **kwargs)
        self.pictures = Path(save_dir, 'vis_image')

    def add_image(
        self, name: str, image: np.ndarray, step: int = 0, **kwargs
    ) -> None:
        """Write ``{name}_{step}.png``.

        Args:
            name: of the picture.
            image: uint8 (H, W, 3), RGB.
            step: number that tells pictures of one name apart.

        Raises:
            WriteError: if the disk is full, for instance.
        """
        picture = np.ascontiguousarray(image[..., ::-1])
        write_png(self.pictures, f'{name}_{step}.png', picture)

"""mmseg's visualizer without a figure until something is drawn."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from mmseg.visualization import SegLocalVisualizer

from mmsemi.registry import VISUALIZERS


@VISUALIZERS.register_module()
class LazyVisualizer(SegLocalVisualizer):
    """``SegLocalVisualizer`` that makes its figure for the first image.

    A training mostly writes numbers, and a figure needs matplotlib, whose
    import takes half a second.
    """

    ax_save: Any

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

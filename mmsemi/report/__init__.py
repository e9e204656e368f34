from .round_picture import draw_rounds
from .view_picture import draw_views

__all__ = ['draw_rounds', 'draw_views']

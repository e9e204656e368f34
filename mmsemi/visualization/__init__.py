from .round_picture import draw_rounds

__all__ = ['draw_rounds']

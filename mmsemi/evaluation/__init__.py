from .pseudo_label_quality import PseudoLabelQuality

__all__ = ['PseudoLabelQuality']

# ST: one threshold for all classes.
_base_ = ['./camvid_day_to_dusk.py']
custom_hooks = _base_.custom_hooks
custom_hooks[2].labeler = dict(type='CBSTPseudoLabeler', per_class=False)

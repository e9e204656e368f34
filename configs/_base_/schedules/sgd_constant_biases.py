# As CBST trains its ResNet-38, all of whose biases are those of BatchNorm and
# of the head: twice the learning rate and no weight decay there.
_base_ = ['./sgd_constant.py']
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={'.bias': dict(lr_mult=2.0, decay_mult=0.0)}
    )
)

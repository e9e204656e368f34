# SGD and poly of SPNet and STRICT: 10 times the learning rate in the weights
# of the head, 20 times and no weight decay in its biases. (The published code
# updates the rate every 10 iterations, here it changes in each.) Loops in
# rounds fill in `end`; plain training sets it to max_iters + 1.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        custom_keys={
            'decode_head': dict(lr_mult=10),
            # The longest key that fits counts.
            'decode_head.head.convs.0.bias': dict(lr_mult=20, decay_mult=0),
            'decode_head.head.convs.1.bias': dict(lr_mult=20, decay_mult=0),
            'decode_head.head.convs.2.bias': dict(lr_mult=20, decay_mult=0),
            'decode_head.head.convs.3.bias': dict(lr_mult=20, decay_mult=0),
        }
    ),
)
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False)]

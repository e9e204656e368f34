# DMT with VOC's own train as labels, model B (dmt-voc-sbd-0.sh).
_base_ = ['./voc_1-20_b.py']
data = dict(split='1464')
train_cfg = dict(iters_per_round='5 epochs')

# With a frozen DINOv2-B, in about half of the time: only the head learns.
_base_ = ['./voc_1464.py']
model = dict(student=dict(backbone=dict(frozen=True)))

# Predictions of a voc12 model with the published calibration.
_base_ = './voc12.py'
model = dict(student=dict(decode_head=dict(gamma=0.6)))

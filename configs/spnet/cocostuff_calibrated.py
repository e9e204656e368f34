# Predictions of a cocostuff model with the published calibration.
_base_ = './cocostuff.py'
model = dict(student=dict(decode_head=dict(gamma=0.4)))

# FixMatch with an averaged teacher (as in UniMatch V2) on CamVid, 23 labeled
# and 344 unlabeled images, for a CPU: Mean Teacher with CutMix whose student
# sees the images in other colors. All else, boxes included, is that of
# ../mean_teacher/camvid_1-16.py, which says why.
_base_ = ['../mean_teacher/camvid_1-16.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong)

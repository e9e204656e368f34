# FixMatch with an averaged teacher on nuclei, 15 labeled and 450 unlabeled
# images, for a CPU: the recipe of camvid_1-16.py on that of
# ../mean_teacher/nuclei_1-32.py.
_base_ = ['../mean_teacher/nuclei_1-32.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong)

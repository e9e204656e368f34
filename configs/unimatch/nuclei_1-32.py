# UniMatch on nuclei, 15 labeled and 450 unlabeled images, for a CPU: the
# recipe of camvid_1-16.py on that of ../mean_teacher/nuclei_1-32.py.
_base_ = ['../mean_teacher/nuclei_1-32.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong, views=2)
model = dict(
    type='UniMatch',
    mixing=dict(box='unimatch', prob=0.5, per_image=True, partner='flip'),
    semi_train_cfg=dict(warmup_iters=200),
    semi_test_cfg=dict(predict_on='student'),
)
hooks = dict(teacher=None)

# UniMatch on CamVid, 23 labeled and 344 unlabeled images, for a CPU. Network,
# lists, iterations, class weights and threshold are those of
# ../mean_teacher/camvid_1-16.py, which says why; boxes and views are those of
# UniMatch. No averaged teacher smooths the labels of a head that is new, so
# unlabeled images wait for it: without, a class is lost in the first steps.
_base_ = ['../mean_teacher/camvid_1-16.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong, views=2)
model = dict(
    type='UniMatch',
    mixing=dict(box='unimatch', prob=0.5, per_image=True, partner='flip'),
    semi_train_cfg=dict(warmup_iters=200),
    semi_test_cfg=dict(predict_on='student'),
)
hooks = dict(teacher=None)

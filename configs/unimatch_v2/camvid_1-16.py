# The scheme of UniMatch V2 on CamVid, 23 labeled and 344 unlabeled images,
# for a CPU: not its DINOv2, but network, lists, iterations, class weights,
# threshold and teacher of ../mean_teacher/camvid_1-16.py, which says why.
_base_ = ['../mean_teacher/camvid_1-16.py', '../_base_/strong_colors.py']
data = dict(strong=_base_.strong, views=2)
model = dict(
    type='UniMatchV2',
    mixing=dict(box='unimatch', prob=0.5, per_image=True, partner='flip'),
)

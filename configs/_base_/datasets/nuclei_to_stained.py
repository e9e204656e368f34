# Nuclei as a domain adaptation task: 379 labeled fluorescence images (source),
# 73 stained ones without masks (target), 31 further stained ones to test on;
# --split to_stained_4: with masks of 4 of the 73, numpy's
# default_rng(0).choice(73, 4, replace=False) of their list.
_base_ = ['./nuclei.py']
lists = 'data/nuclei/splits/fluorescence_to_stained'
few = '{{ fileDirname }}/lists/nuclei_stained'
data = dict(
    val=dict(ann_file=f'{lists}/target_test.txt'),
    split='to_stained',
    splits=dict(
        _delete_=True,
        to_stained=dict(
            labeled=379,
            unlabeled=73,
            lists=(f'{lists}/source_train.txt', f'{lists}/target_train.txt'),
        ),
        to_stained_4=dict(
            labeled=379,
            unlabeled=69,
            lists=(
                f'{lists}/source_train.txt',
                f'{few}_rest.txt',
                f'{few}_4.txt',
            ),
        ),
    ),
)

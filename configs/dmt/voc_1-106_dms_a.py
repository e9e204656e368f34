# DMT with difference-maximized sampling on 1/106 of VOC trainaug, split 1
# (dmt-voc-106-1lr.sh). Both models start from COCO weights, but their
# baselines see different 80 % of the labels; the phases see all.
_base_ = ['./voc_1-20_a.py']
data = dict(split='106_1', baseline_split='106-l_1')

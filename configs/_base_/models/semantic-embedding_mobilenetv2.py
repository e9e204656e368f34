# lateral-sum_mobilenetv2_in1k.py with fixed word vectors for a classifier.
# The data set adds the classes to the head.
_base_ = ['lateral-sum_mobilenetv2_in1k.py']
head = _base_.model.decode_head
head.pop('num_classes')
model = dict(
    decode_head=dict(
        _delete_=True,
        type='SemanticEmbeddingHead',
        head=head,
        embedding='fastnvec',
    )
)

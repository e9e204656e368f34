"""Facts of a data set that a config may state, and variants of them."""

import copy

from mmsemi.utils.errors import UsageError

# Every fact there is; see docs/reference for what each means.
FACTS = (
    'labeled target unlabeled val partly_labeled lists split splits '
    'baseline_split baseline_list variant variants load mean std '
    'resize crop_size augment sup_augment round_augment strong views '
    'second_stream paste partners match_image label_resize test_resize '
    'test_pad tta_scales batch num_workers val_workers label_workers '
    'round_sampler evaluator zero_label word_vectors epoch'
).split()


def settle_variant(data: dict) -> dict:
    """Facts with those of the chosen variant in place.

    Raises:
        UsageError: if a fact or the variant is not known.
    """
    data = {
        key: value
        for key, value in data.items()
        if value is not None or key == 'val'  # None: nothing is validated
    }
    chosen = data.get('variant')
    variants = data.get('variants') or {}
    if chosen:
        if chosen not in variants:
            raise UsageError(
                f'data.variant: there is no variant {chosen}, but '
                f'{", ".join(variants) or "none"}. Name one of these'
            )
        # What the config says itself counts more.
        data = merged(variants[chosen], data)
    unknown = sorted(set(data) - set(FACTS))
    if unknown:
        raise UsageError(
            f'data.{unknown[0]}: no such setting. There are {", ".join(FACTS)}'
        )
    return data


def merged(base: dict, changes: dict) -> dict:
    """A copy of nested settings with some of them replaced."""
    result = copy.copy(dict(base))
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            value = dict(value)
            result[key] = (
                value if value.pop('_delete_', False) else merged(old, value)
            )
        else:
            result[key] = value
    return result


def zero_label_metainfo(facts: dict) -> dict:
    """Metainfo of a data set some classes of which have no annotation."""
    found = dict(classes=facts['classes'], num_seen=facts['num_seen'])
    if facts.get('colors'):
        found['palette'] = [facts['colors'][n] for n in facts['classes']]
    return found

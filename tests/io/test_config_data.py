import pytest
from mmengine.config import Config

from mmsemi.io.config_data import read_dumped_config
from mmsemi.utils.errors import UsageError

SETTINGS = dict(
    model=dict(
        type='EncoderDecoder',
        loss=dict(weight=[0.5, -1.5], ids={1, 2}),
        text='a "quoted"\nline',
        table={1: 'a', 255: None, 'x-y': (1,)},
        empty=dict(),
        nothing=set(),
    ),
    train_cfg=dict(portions=(0.2, 1e-7), dynamic=True),
    optim_wrapper=None,
)


def test_a_dump_is_read_as_mmengine_reads_it(tmp_path):
    path = tmp_path / 'dumped.py'
    Config(SETTINGS).dump(str(path))
    assert read_dumped_config(path) == SETTINGS
    assert Config.fromfile(str(path)).to_dict() == SETTINGS
    # mmengine writes this, too, but cannot read it.
    Config(dict(a=float('inf'))).dump(str(path))
    assert read_dumped_config(path) == dict(a=float('inf'))


@pytest.mark.parametrize(
    'text, line',
    [
        ('import os\n', 1),
        ('a = 1\nb = open("{marker}", "w")\n', 2),
        ('a = dict(b=[__import__("os").system("touch {marker}")])\n', 1),
        ('a = (lambda: open("{marker}", "w"))()\n', 1),
        ('a = {{**dict(b=open("{marker}", "w"))}}\n', 1),
        ('a = dict(**dict(b=1))\n', 1),
        ('a = [open("{marker}", "w") for _ in range(1)]\n', 1),
        ("a = f\"{{open('{marker}', 'w')}}\"\n", 1),
        ('dict.x = 1\n', 1),
        ('open("{marker}", "w")\n', 1),
        ('a = -dict()\n', 1),
        ('a = {{[]: 1}}\n', None),
        ('a = dict(1)\n', 1),
        ('a = dict(b=1\n', 1),
        ('a = 1\0\n', None),
        ('a = ' + '[' * 3000, None),
    ],
)
def test_code_or_damage_is_refused_and_not_run(tmp_path, text, line):
    path, marker = tmp_path / 'dumped.py', tmp_path / 'marker'
    path.write_text(text.format(marker=marker))
    with pytest.raises(UsageError, match='damaged or changed') as info:
        read_dumped_config(path)
    assert str(info.value).startswith(
        f'{path}, line {line}:' if line else str(path)
    )
    assert not marker.exists()


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / 'dumped.py').write_bytes(bytes(range(256)))
    with pytest.raises(UsageError, match='damaged'):
        read_dumped_config(tmp_path / 'dumped.py')

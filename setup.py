"""Installation of mmsemi on the maintained OpenMMLab stack.

Users of the official stack install with ``--no-deps``: docs/get_started.md.
"""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


def version() -> str:
    """The version of mmsemi, read without importing it."""
    scope: dict = {}
    exec((HERE / 'mmsemi' / 'version.py').read_text(), scope)
    return scope['__version__']


class BuildWithConfigs(build_py):
    """Put configs, tools and an index of models into ``mmsemi/.mim``.

    That is where OpenMMLab's packages carry them, and where ``mmsemi train
    dst_cbc/shapes.py`` and ``mmsemi::dst_cbc/shapes.py`` find them. A clone,
    installed with ``-e`` or not at all, has them beside the package.
    """

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        carried = Path(self.build_lib, 'mmsemi', '.mim')
        shutil.rmtree(carried, ignore_errors=True)
        for folder in ('configs', 'tools'):
            shutil.copytree(
                HERE / folder,
                carried / folder,
                ignore=shutil.ignore_patterns('__pycache__', '*.pyc'),
            )
        index = carried / 'model-index.yml'
        files = sorted(carried.glob('configs/*/metafile.yml'))
        index.write_text(
            'Import:\n'
            + ''.join(
                f'- {f.relative_to(carried).as_posix()}\n' for f in files
            )
        )


# The three distributions of the stack are named one by one because
# onedl-mmsegmentation requires neither mmcv nor mmengine. The ranges are
# those of mmsemi.stack.STACKS.
STACK = [
    'onedl-mmengine>=0.10.12,<0.11',
    'onedl-mmcv>=2.3.6,<2.4',
    'onedl-mmsegmentation>=1.4.2,<1.5',
]
LIBRARIES = [
    'torch>=2.6',
    'numpy',
    'opencv-python',
    'pillow',
    # TIFF with any number of bands; imported where one comes.
    'tifffile',
    'safetensors>=0.4',
    'scipy',
    'matplotlib',
    'rich',
    'jinja2',
    'packaging',
    # Imported by mmseg.models; the official stack does not declare them.
    'ftfy',
    'regex',
]

setup(
    name='mmsemi',
    version=version(),
    description='Label-efficient semantic segmentation for MMSegmentation 1.x',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    cmdclass=dict(build_py=BuildWithConfigs),
    entry_points=dict(console_scripts=['mmsemi = mmsemi.cli:main']),
    package_data=dict(mmsemi=['py.typed', 'report/own_data/templates/*']),
    packages=find_packages(include=['mmsemi', 'mmsemi.*']),
    python_requires='>=3.10',
    install_requires=STACK + LIBRARIES,
    extras_require={
        # setuptools builds the wheel that a test installs.
        'tests': ['pytest', 'pytest-xdist', 'ruff', 'mypy', 'setuptools>=77'],
        'tensorboard': ['tensorboard'],
        # TIFF with bands and compression.
        'tiff': ['imagecodecs'],
        'onnx': ['onnx', 'onnxruntime'],
        'mmpretrain': ['onedl-mmpretrain>=1.3.6,<1.4', 'torchvision'],
    },
    classifiers=[
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)

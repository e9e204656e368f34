"""Installation of mmsemi on the maintained OpenMMLab stack.

Users of the official stack install with ``--no-deps``; see the README.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def version() -> str:
    """The version of mmsemi, read without importing it."""
    scope: dict = {}
    exec((HERE / 'mmsemi' / 'version.py').read_text(), scope)
    return scope['__version__']


# The three distributions of the stack are named one by one because
# onedl-mmsegmentation requires neither mmcv nor mmengine. The ranges are
# those of mmsemi.utils.compat.STACKS.
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
    'scipy',
    'matplotlib',
    'rich',
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
    packages=find_packages(include=['mmsemi', 'mmsemi.*']),
    python_requires='>=3.10',
    install_requires=STACK + LIBRARIES,
    extras_require={
        'tests': ['pytest'],
        'tensorboard': ['tensorboard'],
        'mmpretrain': ['onedl-mmpretrain>=1.3.6,<1.4', 'torchvision'],
        'lint': ['ruff'],
    },
    classifiers=[
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.11',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)

"""Convert what others published."""

from mmsemi.prepare.checkpoints.convert import convert_file


def convert(
    source: str,
    out: str,
    num_classes: int | None = None,
    network: str | None = None,
    overwrite: bool = False,
) -> str:
    """Convert a published checkpoint (or spatial prior) for mmsemi.

    Which program a file is from is told by the names in it.

    Args:
        source: file as its authors published it.
        out: file to write: ``.pth``, or ``.npz`` for a spatial prior.
        num_classes: classes of the network to train; a head for another
            number is left out (AdvSemiSeg, CRST, DST-CBC).
        network: ``student`` or ``teacher``, where a file holds both; the
            teacher by default.
        overwrite: replace a file that exists.

    Returns:
        What was found, used and left out, in lines.

    Raises:
        UsageError: if the file is none that is known, damaged, holds more
            than data, or does not fit the published network.
    """
    return '\n'.join(
        convert_file(source, out, num_classes, network, overwrite)
    )

# Lists of U2PL and CPS on VOC 2012. Those of U2PL from 662 to 5291 take their
# labeled images from VOC's own train first, which makes them easier than those
# of CPS with as many.
sizes = (92, 183, 366, 662, 732, 1323, 1464, 2646, 5291)
cps = {'1-16': 662, '1-8': 1323, '1-4': 2646}
u2pl_splits = {
    **{str(n): dict(labeled=n, unlabeled=10582 - n) for n in sizes},
    **{
        f'cps_{name}': dict(
            labeled=n,
            unlabeled=10582 - n,
            lists=f'data/splits/voc12/unimatch/{name.replace("-", "_")}',
        )
        for name, n in cps.items()
    },
}

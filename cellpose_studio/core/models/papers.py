"""Papers to cite for models and networks."""

from __future__ import annotations

from typing import NamedTuple


class Paper(NamedTuple):
    """A reference: its short form in the text, and its entry in the list."""

    short: str
    full: str


CELLPOSE_1 = Paper(
    "Stringer et al., 2021",
    "Stringer, C., Wang, T., Michaelos, M. & Pachitariu, M. Cellpose: a generalist "
    "algorithm for cellular segmentation. Nature Methods 18, 100–106 (2021). "
    "https://doi.org/10.1038/s41592-020-01018-x",
)
CELLPOSE_2 = Paper(
    "Pachitariu & Stringer, 2022",
    "Pachitariu, M. & Stringer, C. Cellpose 2.0: how to train your own model. Nature "
    "Methods 19, 1634–1641 (2022). https://doi.org/10.1038/s41592-022-01663-4",
)
CELLPOSE_3 = Paper(
    "Stringer & Pachitariu, 2025",
    "Stringer, C. & Pachitariu, M. Cellpose3: one-click image restoration for "
    "improved cellular segmentation. Nature Methods 22, 592–599 (2025). "
    "https://doi.org/10.1038/s41592-025-02595-5",
)
CELLPOSE_SAM = Paper(
    "Pachitariu et al., 2025",
    "Pachitariu, M., Rariden, M. & Stringer, C. Cellpose-SAM: superhuman "
    "generalization for cellular segmentation. bioRxiv 2025.04.28.651001 (2025). "
    "https://doi.org/10.1101/2025.04.28.651001",
)

PAPERS = {"1": CELLPOSE_1, "2": CELLPOSE_2, "3": CELLPOSE_3, "sam": CELLPOSE_SAM}
"""By the keys that the list of published models uses."""
SCIKIT_IMAGE = Paper(
    "van der Walt et al., 2014",
    "van der Walt, S. et al. scikit-image: image processing in Python. PeerJ 2, e453 "
    "(2014). https://doi.org/10.7717/peerj.453",
)
STAIN_SEPARATION = Paper(
    "Ruifrok & Johnston, 2001",
    "Ruifrok, A. C. & Johnston, D. A. Quantification of histochemical staining by "
    "color deconvolution. Analytical and Quantitative Cytology and Histology 23, "
    "291–299 (2001).",
)
ROLLING_BALL = Paper(
    "Sternberg, 1983",
    "Sternberg, S. R. Biomedical image processing. Computer 16, 22–34 (1983). "
    "https://doi.org/10.1109/MC.1983.1654163",
)
SCIKIT_LEARN = Paper(
    "Pedregosa et al., 2011",
    "Pedregosa, F. et al. Scikit-learn: Machine Learning in Python. Journal of Machine "
    "Learning Research 12, 2825–2830 (2011). "
    "https://www.jmlr.org/papers/v12/pedregosa11a.html",
)

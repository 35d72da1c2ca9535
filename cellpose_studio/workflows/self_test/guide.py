"""Whether the pages that F1 opens are there, and lead to each other."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cellpose_studio.core.wording import first_names
from cellpose_studio.paths import resource
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

FIRST = "guide/index.html"


def check_guide(_: Place) -> Found:
    """Follow the links from the first page on, as far as they stay in the guide."""
    try:
        first = resource(FIRST)
    except FileNotFoundError:
        return Found(
            "There is no guide in this installation",
            "packaging/dev docs builds it in the sources, where docs/ has its pages.",
        )
    folder = first.parent.resolve()
    pages = [first.resolve()]
    files = set(pages)
    lost, fetched = [], []
    for page in pages:
        links = _Links(page)
        fetched += [f"{link} on {page.name}" for link in links.fetched]
        for link in links.files:
            target = (page.parent / link).resolve()
            if not target.is_relative_to(folder) or not target.is_file():
                lost.append(f"{link} on {page.name}")
            elif target not in files:
                files.add(target)
                if target.suffix == ".html":
                    pages.append(target)
    if lost:
        raise CheckFailed(f"Leads nowhere: {first_names(lost)}.")
    if fetched:
        raise CheckFailed(f"Comes from the web: {first_names(fetched)}.")
    if len(pages) == 1:
        raise CheckFailed("The first page leads to no other.")
    return Found(f"{len(pages)} pages, whose links lead somewhere")


class _Links(HTMLParser):
    """What a page refers to.

    Attributes
    ----------
    files
        Paths from the page: other pages, pictures, scripts, styles.
    fetched
        Addresses of pictures and scripts elsewhere, which a browser loads at once.
    """

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.files: list[str] = []
        self.fetched: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag refers to."""
        for key, link in attrs:
            if key not in ("href", "src") or not link:
                continue
            parts = urlsplit(link)
            elsewhere = bool(parts.scheme or parts.netloc)
            if elsewhere and key == "src":
                self.fetched.append(link)
            elif parts.path and not elsewhere:
                self.files.append(unquote(parts.path))

"""The check of the guide follows its links."""

from __future__ import annotations

import pytest

from cellpose_studio.workflows.self_test import guide
from cellpose_studio.workflows.self_test.check import CheckFailed, Place

FIRST = (
    '<a href="https://example.org">there</a> <a href="#here">here</a>'
    '<a href="page%20two.html#part">two</a> <img src="picture.png">'
)
SECOND = '<a href="index.html?q=1">back</a>'


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """The folder of a guide of two pages, which the program has in its own's place."""
    folder = tmp_path / "guide"
    folder.mkdir()
    (folder / "index.html").write_text(FIRST, "utf-8")
    (folder / "page two.html").write_text(SECOND, "utf-8")
    (folder / "picture.png").touch()

    def resource(name):
        if not (tmp_path / name).exists():
            raise FileNotFoundError(name)
        return tmp_path / name

    monkeypatch.setattr(guide, "resource", resource)
    return folder


def check(folder):
    return guide.check_guide(Place(folder=folder))


def test_a_guide_whose_links_lead_somewhere(pages):
    found = check(pages)
    assert found.text == "2 pages, whose links lead somewhere"
    assert not found.advice


@pytest.mark.parametrize("name", ["picture.png", "page two.html"])
def test_a_missing_file_is_named_with_the_page(pages, name):
    (pages / name).unlink()
    with pytest.raises(CheckFailed, match=f"^Leads nowhere: {name} on index.html.$"):
        check(pages)


def test_many_missing_files_are_counted(pages):
    links = "".join(f'<a href="{n}.html">' for n in range(5))
    (pages / "page two.html").write_text(links, "utf-8")
    with pytest.raises(CheckFailed, match=r"2\.html on page two\.html and 2 more\.$"):
        check(pages)


def test_a_link_out_of_the_guide_leads_nowhere_on_another_computer(pages):
    (pages.parent / "outside.html").touch()
    (pages / "page two.html").write_text('<a href="../outside.html">', "utf-8")
    with pytest.raises(CheckFailed, match="outside"):
        check(pages)


def test_a_script_from_the_web_is_named(pages):
    script = '<script src="https://example.org/a.js"></script>'
    (pages / "page two.html").write_text(script, "utf-8")
    with pytest.raises(CheckFailed, match=r"Comes from the web: \S+/a\.js on page two"):
        check(pages)


def test_a_first_page_alone_is_no_guide(pages):
    (pages / "index.html").write_text("", "utf-8")
    with pytest.raises(CheckFailed, match="leads to no other"):
        check(pages)


def test_a_checkout_without_the_guide_is_told_how_to_build_it(pages):
    (pages / "index.html").unlink()
    assert "packaging/dev docs" in check(pages).advice

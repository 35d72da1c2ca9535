"""The packages that the application needs, with their licences."""

from __future__ import annotations

from email.message import Message

import pytest

from cellpose_studio.io.support.parts import licence_of, parts


def test_what_is_required_and_installed_has_a_version_and_a_licence():
    found = {part.name: part for part in parts()}
    assert {"torch", "cellpose", "napari", "numpy", "PyQt5"} <= found.keys()
    assert "pytest" not in found
    assert found["napari"].licence == "BSD-3-Clause"
    assert [part.name for part in parts() if not part.licence] == []
    names = [part.name.lower() for part in parts()]
    assert names == sorted(names)


def test_a_bundle_without_metadata_has_none():
    assert parts("no-such-package-anywhere") == []


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ([("License-Expression", "MIT"), ("License", "long text")], "MIT"),
        (
            [
                ("License", "text"),
                ("Classifier", "License :: OSI Approved :: BSD License"),
            ],
            "BSD License",
        ),
        ([("License", "GPL v3\nThe text of it\n")], "GPL v3"),
        ([("License", "x" * 1000)], "x" * 60),
        ([("Name", "a")], ""),
    ],
)
def test_the_name_of_a_licence_is_found(fields, name):
    about = Message()
    for key, value in fields:
        about[key] = value
    assert licence_of(about) == name

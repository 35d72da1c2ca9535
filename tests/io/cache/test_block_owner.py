"""The state of a run in blocks belongs to one run, also among several computers."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.cache import block_owner
from cellpose_studio.io.cache.block_store import BlockFolder, block_folder
from cellpose_studio.io.temporary import temporary_name
from tests.waiting import LONG

ELSEWHERE = {
    "host": "0" * 8,
    "name": "node7",
    "process": os.getpid(),
    "start": 0,
    "token": "theirs",
}


@pytest.fixture
def stopped(tmp_path):
    """Return the folder of runs, with the state of one on another computer."""
    (tmp_path / "key").mkdir()
    BlockFolder(tmp_path / "key").put("ends-0-0", {}, {"box": None})
    (tmp_path / "key" / "owner.json").write_text(json.dumps(ELSEWHERE))
    return tmp_path


def age(folder, seconds):
    before = time.time() - seconds
    os.utime(folder / "key" / "owner.json", (before, before))


def test_a_run_on_another_computer_keeps_its_state(stopped):
    age(stopped, 60)
    with (
        pytest.raises(CannotSave, match="goes on on the computer node7"),
        block_folder(stopped, "key"),
    ):
        pass
    assert [file.name for file in stopped.iterdir()] == ["key"]


def test_it_is_taken_over_when_the_user_says_so(stopped):
    with block_folder(stopped, "key", take_over=True) as (store, resumed):
        assert resumed
        assert store.has("ends-0-0")
    assert not [*stopped.iterdir()]


def test_it_is_taken_over_without_a_sign_of_life(stopped):
    age(stopped, block_owner.STALE + 5)
    with block_folder(stopped, "key") as (_, resumed):
        assert resumed


def test_an_owner_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(block_owner, "BEAT", 0.02)
    with block_folder(tmp_path, "key"):
        age(tmp_path, 1000)
        ends = time.monotonic() + LONG
        while time.time() - (tmp_path / "key" / "owner.json").stat().st_mtime > 500:
            assert time.monotonic() < ends
            time.sleep(0.01)


def test_a_run_that_lost_its_state_leaves_it(tmp_path):
    with block_folder(tmp_path, "key") as (store, _):
        store.put("a", {}, {})
        (tmp_path / "key" / "owner.json").write_text(json.dumps(ELSEWHERE))
    assert BlockFolder(tmp_path / "key").has("a")
    assert block_owner.token_of(tmp_path / "key") == "theirs"


def test_two_workers_may_write_the_same_block(tmp_path):
    one, other = BlockFolder(tmp_path), BlockFolder(tmp_path)
    one.put("a", {"labels": np.arange(5)}, {"cells": 5})
    other.put("a", {"labels": np.arange(5)}, {"cells": 5})
    assert BlockFolder(tmp_path).read("a", "labels").tolist() == [0, 1, 2, 3, 4]
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_what_a_dead_process_had_begun_is_removed(tmp_path):
    folder = tmp_path / "key"
    folder.mkdir()
    BlockFolder(folder).put("a", {}, {})
    begun = f".saving-{block_owner.host_name()}-{2**22 + 1}-1-{'a' * 12}"
    living = temporary_name("saving")
    elsewhere = f".saving-00000000-1-1-{'a' * 12}"
    for name in (begun, living, elsewhere):
        (folder / name).mkdir()
    with block_folder(tmp_path, "key") as (_, resumed):
        assert resumed
        assert {file.name for file in folder.glob(".*")} == {living, elsewhere}

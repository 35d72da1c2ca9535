"""The log takes warnings and errors, stays small, and never fails the application."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from cellpose_studio.io.support.log import NAME, LogFile, last_lines, start_log

logger = logging.getLogger("cellpose_studio.tests")


@pytest.fixture(autouse=True)
def _handlers():
    """Leave logging as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), logging.getLogger("cellpose_studio").level
    yield
    logging.captureWarnings(False)
    for handler in [one for one in root.handlers if one not in before]:
        root.removeHandler(handler)
        handler.close()
    logging.getLogger("cellpose_studio").setLevel(level)


def fail(text):
    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("unexpected error")


def test_it_begins_with_the_versions_and_takes_warnings(tmp_path):
    start_log(tmp_path / "log", {"Cellpose Studio": "1.2.3", "torch": "2.0"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("the moon is full", UserWarning, stacklevel=1)
    logging.getLogger("another.library").warning("a library warns")
    logging.getLogger("another.library").info("a library chats")
    text = (tmp_path / "log" / NAME).read_text("utf-8")
    assert "started: Cellpose Studio 1.2.3, torch 2.0" in text
    assert "UserWarning: the moon is full" in text
    assert "a library warns" in text
    assert "chats" not in text


def test_an_error_that_comes_again_and_again_is_counted(tmp_path):
    handler = start_log(tmp_path, {})
    for _ in range(1000):
        fail("the moon is full")
    handler.flush()
    text = (tmp_path / NAME).read_text("utf-8")
    assert text.count("Traceback") == 3
    assert [f"for the {n}th time: ValueError" in text for n in (10, 50, 100, 1000)] == [
        True,
        False,
        True,
        True,
    ]


def test_different_warnings_do_not_count_as_one(tmp_path):
    handler = start_log(tmp_path, {})
    texts = [f"the {n}th warning of a library" for n in range(20)]
    for text in texts:
        logging.getLogger("qt").warning("%s", text)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"{text} of Python", UserWarning, stacklevel=1)
    wrong = {"msg": "%d %d", "args": ("x",), "levelno": logging.WARNING}
    handler.handle(logging.makeLogRecord(wrong))
    found = (tmp_path / NAME).read_text("utf-8")
    assert [text for text in texts if found.count(text) != 2] == []


def test_a_long_message_is_cut(tmp_path):
    start_log(tmp_path, {})
    fail("7 " * 1_000_000)
    assert (tmp_path / NAME).stat().st_size < 30_000


def test_it_is_kept_small(tmp_path):
    start_log(tmp_path, {})
    for n in range(400):
        logger.info("%d %s", n, "x" * 15_000)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == [NAME, *(f"{NAME}.{n}" for n in (1, 2, 3))]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 4_100_000
    assert " 399 " in (tmp_path / NAME).read_text("utf-8")


def test_two_windows_write_to_one_file_after_either_begins_a_new_one(tmp_path):
    first, second = LogFile(tmp_path / NAME), LogFile(tmp_path / NAME)

    def say(handler, text):
        handler.handle(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))

    say(first, "one")
    say(second, "two")
    first.doRollover()
    say(second, "three")
    say(first, "four")
    text = (tmp_path / NAME).read_text("utf-8")
    assert ("three" in text, "four" in text, "two" in text) == (True, True, False)
    first.close()
    second.close()


def test_a_folder_that_takes_no_files_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    assert start_log(tmp_path / "file" / "log", {}) is None
    logger.error("goes nowhere")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has /dev/full")
def test_a_full_disk_is_no_error(tmp_path, capsys):
    (tmp_path / NAME).symlink_to("/dev/full")
    handler = start_log(tmp_path, {})
    for n in range(100):
        logger.error("%d %s", n, "x" * 10_000)
    fail("and an error with a traceback")
    handler.close()
    assert "No space left" not in capsys.readouterr().err


def test_a_log_that_is_removed_is_made_anew(tmp_path):
    start_log(tmp_path, {})
    (tmp_path / NAME).unlink()
    logger.warning("still here")
    assert "still here" in (tmp_path / NAME).read_text("utf-8")


def test_without_a_terminal_nothing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    start_log(tmp_path, {})
    fail("the moon is full")
    assert "the moon is full" in (tmp_path / NAME).read_text("utf-8")


def test_the_lines_of_one_process_are_found(tmp_path):
    lines = [
        "2026-11-29 12:51:10,446 11 INFO cellpose_studio: started",
        "2026-11-29 12:51:11,446 22 INFO cellpose_studio: started too",
        "2026-11-29 12:51:12,446 11 ERROR cellpose_studio: unexpected error",
        "Traceback (most recent call last):",
        "ValueError: x",
    ]
    (tmp_path / "log").write_text("\n".join(lines))
    assert last_lines(tmp_path / "log", 11) == "\n".join([lines[0], *lines[2:]])
    assert last_lines(tmp_path / "log", 11, most=1) == "ValueError: x"
    assert last_lines(tmp_path / "log", 33) == ""
    assert last_lines(tmp_path / "none", 11) == ""

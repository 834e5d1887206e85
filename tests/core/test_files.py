"""Files appear whole or not at all, and what people have saved is read."""

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ocrkit.errors import DataError, OcrkitError
from ocrkit.support.files import read_bytes, read_text, text_lines, write_atomically

WRITER_THAT_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from ocrkit.support.files import write_atomically

with write_atomically(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the new")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("existing", [None, "old and longer"])
def test_the_file_is_there_once_the_block_ends_and_not_before(tmp_path, existing):
    path = tmp_path / "result.json"
    if existing:
        path.write_text(existing)
    with write_atomically(path) as temporary:
        temporary.write_text("new")
        assert (path.read_text() if path.exists() else None) == existing
    assert path.read_text() == "new"
    assert names(tmp_path) == ["result.json"]


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("existing", [None, "old"])
def test_an_error_leaves_everything_as_it_was(tmp_path, existing, problem):
    path = tmp_path / "result.json"
    if existing:
        path.write_text(existing)
    before = names(tmp_path)

    def fail_halfway():
        with write_atomically(path) as temporary:
            temporary.write_text("half of the new")
            raise problem

    with pytest.raises(problem):
        fail_halfway()
    assert names(tmp_path) == before
    assert (path.read_text() if path.exists() else None) == existing


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", WRITER_THAT_IS_KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    with write_atomically(path) as temporary:  # what it left behind is in nobody's way
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_the_bytes_are_on_disk_before_the_file_takes_its_place(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    synced = []

    def fsync(handle):
        synced.append(os.fstat(handle).st_size)
        assert not path.exists()

    monkeypatch.setattr(os, "fsync", fsync)
    with write_atomically(path) as temporary:
        temporary.write_bytes(b"12345")
    assert synced == [5]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_file_has_the_mode_of_any_new_file(tmp_path, umask, mode):
    path = tmp_path / "result.json"
    before = os.umask(umask)
    try:
        with write_atomically(path) as temporary:
            temporary.write_text("new")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "result.json"
    with write_atomically(path) as first, write_atomically(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # whose block ended last
    assert names(tmp_path) == ["result.json"]


def test_what_cannot_be_replaced_is_named_and_not_the_file_beside_it(tmp_path):
    with (
        pytest.raises(OcrkitError, match=re.escape(f"{tmp_path}: cannot be written (")),
        write_atomically(tmp_path) as file,
    ):
        file.write_text("a folder has this name")
    assert not list(tmp_path.parent.glob(".*.part"))


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    path = tmp_path / "missing" / "result.json"
    said = f"{path}: cannot be written (No such file or directory)"
    with pytest.raises(OcrkitError, match=re.escape(said)), write_atomically(path):
        pytest.fail("there is nowhere to write to")


# ----------------------------------------------------------------------------- texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_is_the_same_however_it_was_saved(tmp_path, encoding, end):
    path = tmp_path / "a.txt"
    path.write_bytes(end.join(["één", "two", ""]).encode(encoding))
    assert read_text(path) == "één\ntwo\n"


def test_only_the_first_character_can_be_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\ufeff\ufeffa\n\ufeffb")
    assert read_text(path) == "\ufeffa\n\ufeffb"


def test_lines_come_one_by_one_from_a_file_longer_than_a_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("ocrkit.support.files._PIECE", 5)
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\ntwo\n\n" + "vier-ß\u2028x\nlast".encode())
    assert list(text_lines(path)) == ["one", "two", "", "vier-ß\u2028x", "last"]
    path.write_bytes(b"one\ntwo\nthree\nfo\xffur\n")
    with pytest.raises(OcrkitError, match=r"a\.txt: not UTF-8 \(line 4\); save it as UTF-8$"):
        list(text_lines(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("one\ntwo é\n".encode("latin-1"), "not UTF-8 (line 2); save it as UTF-8"),
        ("é\n".encode("utf-16"), "UTF-16, or no text at all; save it as UTF-8"),
        ("\ufeffone\n".encode("utf-16-be"), "UTF-16, or no text at all; save it as UTF-8"),
        ("one\n".encode("utf-16-le"), "UTF-16, or no text at all; save it as UTF-8"),
        ("one\n".encode("utf-32"), "UTF-16, or no text at all; save it as UTF-8"),
        (None, "no such file; expected ids"),
    ],
)
def test_what_is_no_text_is_one_line(tmp_path, content, said):
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_text(path, DataError, "ids")
    assert str(caught.value) == f"{path}: {said}"


def test_neither_a_folder_nor_an_impossible_name_is_a_text(tmp_path):
    with pytest.raises(OcrkitError, match=r"a folder; expected text in UTF-8$"):
        read_text(tmp_path)
    with pytest.raises(OcrkitError, match="null"):
        read_text(tmp_path / "a\0b")


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device"])
def test_what_may_have_no_end_is_never_opened(tmp_path, kind):
    path = Path("/dev/zero") if kind == "device" else tmp_path / "a.txt"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    for read in (read_text, read_bytes, lambda *given: list(text_lines(*given))):
        with pytest.raises(DataError, match="a device, a pipe or a socket; expected "):
            read(path, DataError, "ids")


def test_more_than_a_text_may_have_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    monkeypatch.setattr("ocrkit.support.files._PIECE", 4)
    monkeypatch.setattr("ocrkit.support.files._LARGEST", 10)
    path.write_bytes(b"1234\n1234\n1234\n")
    assert list(text_lines(path)) == ["1234"] * 3
    with pytest.raises(DataError, match="more than 10 characters; expected ids"):
        read_text(path, DataError, "ids")
    path.write_bytes(b"123456789012345")
    with pytest.raises(DataError, match="a line of more than 10 bytes; expected ids"):
        list(text_lines(path, DataError, "ids"))
    with pytest.raises(DataError, match="more than 14 bytes; expected ids"):
        read_bytes(path, DataError, "ids", most=14)
    assert read_bytes(path, most=15) == b"123456789012345"

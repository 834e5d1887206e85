"""Models whose weights are fetched, from a real server on this machine, by the library and by the
command line."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

import ocrkit
from disks import full_disk
from ocrkit.cli import main
from ocrkit.errors import WeightsError
from ocrkit.support.checksums import sha256_of
from ocrkit.zoo.models import fetch, model
from processes import wait_for

HAS_WEIGHTS = "w.safetensors"


@pytest.fixture
def remote(folder: Path, site: Any) -> Path:
    """The folder of ``tiny``, whose weights are on the server alone."""
    body = (folder / HAS_WEIGHTS).read_bytes()
    site.files["models/w"] = body
    about = {
        "file": HAS_WEIGHTS,
        "sha256": sha256_of(folder / HAS_WEIGHTS),
        "bytes": len(body),
        "url": f"{site.url}/models/w",
    }
    describe(folder, about)
    (folder / HAS_WEIGHTS).unlink()
    return folder


def describe(folder: Path, weights: dict[str, object]) -> None:
    (folder / "manifest.toml").write_text(tomli_w.dumps({"schema": 2, "weights": weights}))


def zoo(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["zoo", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def failure(result: Result) -> str:
    """The one line of a command that failed."""
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("ocrkit: ")]
    assert len(lines) == 1
    return lines[0]


def in_cache(cache: Path) -> list[str]:
    """What is in the cache of weights, but for the locks."""
    return sorted(path.name for path in (cache / "weights").glob("*") if path.suffix != ".lock")


@pytest.mark.usefixtures("remote")
def test_weights_are_fetched_when_they_are_first_needed(
    site: Any, cache: Path, words_root: Path, tiny_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = ocrkit.load("tiny", backend="torch")
    path = sorted(words_root.glob("words/*/*/*.png"))[0]
    assert pipeline.read(path) == ocrkit.load(tiny_run, backend="torch").read(path)
    assert in_cache(cache) == [f"{pipeline.weights.sha256}.safetensors"]
    size = f"{len(site.files['models/w']) / 1e6:.1f} MB"
    assert [record.getMessage() for record in caplog.records] == [
        f"ocrkit: fetching the weights of 'tiny' ({size}) from {site.url}/models/w"
    ]
    ocrkit.load("tiny", backend="torch")
    assert len(site.asked) == 1


@pytest.fixture
def program(remote: Path, cache: Path) -> Callable[..., subprocess.Popen[str]]:
    """``program(ARGUMENTS)`` starts the command line in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(remote.parents[1]), "OCRKIT_CACHE": str(cache)}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ocrkit", *arguments]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


def test_a_command_says_in_one_line_that_it_fetches(
    program: Callable[..., subprocess.Popen[str]], site: Any, words_root: Path
) -> None:
    path = sorted(words_root.glob("words/*/*/*.png"))[0]
    outputs = [
        program("run", str(path), "--pipeline", "tiny", "--backend", "onnx").communicate()
        for _ in range(2)
    ]
    assert outputs[0][0] == outputs[1][0]
    lines = [[line for line in errors.splitlines() if "fetching" in line] for _, errors in outputs]
    assert lines == [[lines[0][0]], []]
    assert lines[0][0].startswith("ocrkit: fetching the weights of 'tiny' (")
    assert len(site.asked) == 1


@pytest.mark.usefixtures("remote")
def test_fetch_fetches_once_and_says_where_it_is(site: Any, cache: Path) -> None:
    path = model("tiny").weights_path
    for _ in range(2):
        result = zoo("fetch", "tiny")
        assert (result.exit_code, result.stdout) == (0, f"tiny: {path}\n")
    assert path.parent == cache / "weights"
    assert path.read_bytes() == site.files["models/w"]
    assert len(site.asked) == 1


@pytest.mark.usefixtures("remote")
def test_fetch_all_fetches_what_does_not_come_with_its_plugin(site: Any) -> None:
    result = zoo("fetch", "--all")
    assert result.stdout == f"tiny: {model('tiny').weights_path}\n"
    assert "no_such_package" in failure(result)  # the plugin's other model
    assert len(site.asked) == 1


def test_fetching_a_model_that_comes_with_its_plugin_finds_it_there(folder: Path) -> None:
    assert zoo("fetch", "tiny").stdout == f"tiny: {folder / HAS_WEIGHTS}\n"
    with pytest.raises(
        WeightsError, match="its weights come with plugin 'small-zoo'; there is nothing to fetch"
    ):
        fetch(model("tiny"))
    (folder / HAS_WEIGHTS).unlink()
    assert "no such weights; install plugin 'small-zoo' anew" in failure(zoo("fetch", "tiny"))


@pytest.mark.usefixtures("remote")
def test_a_cut_fetch_goes_on_where_it_was(site: Any, cache: Path) -> None:
    site.cuts = [100] * 5
    assert "given up after 5 tries" in failure(zoo("fetch", "tiny"))
    site.asked.clear()
    assert zoo("fetch", "tiny").exit_code == 0
    assert site.headers("Range") == ["bytes=500-"]
    assert in_cache(cache) == [model("tiny").weights_path.name]


@pytest.mark.usefixtures("remote")
def test_a_wrong_file_is_named_with_both_checksums_and_not_kept(site: Any, cache: Path) -> None:
    right = model("tiny").manifest.weights.sha256
    body = site.files["models/w"]
    site.files["models/w"] = body[:-1] + bytes([body[-1] ^ 1])
    line = failure(zoo("fetch", "tiny"))
    assert line.startswith(
        f"ocrkit: {site.url}/models/w: not the weights of 'tiny': expected sha256 {right}, got "
    )
    assert in_cache(cache) == []
    with pytest.raises(WeightsError, match=f"expected sha256 {right}"):
        ocrkit.load("tiny", backend="torch")
    site.files["models/w"] = body
    assert zoo("fetch", "tiny").exit_code == 0


@pytest.mark.usefixtures("remote")
def test_a_file_that_changed_between_two_attempts_is_read_anew(site: Any) -> None:
    body = site.files["models/w"]
    site.files["models/w"], site.etag, site.cuts = bytes(len(body)), '"old"', [1000] * 5
    failure(zoo("fetch", "tiny"))
    site.files["models/w"], site.etag = body, '"new"'
    assert zoo("fetch", "tiny").exit_code == 0
    assert model("tiny").weights_path.read_bytes() == body


@pytest.mark.usefixtures("remote")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"files": {}}, "/models/w: the site answers 404 Not Found"),
        ({"statuses": [500] * 5}, "the site answers 500"),
        ({"kind": "text/html"}, "/models/w: the site gave a web page instead of the file"),
        (
            {"files": {"models/w": bytes(2_000_000)}},
            "bytes, the most that the file may have; not kept",
        ),
        (
            {"redirect": "http://example.org/w"},
            "the site redirects to no safe address, or without end; refused",
        ),
    ],
)
def test_faults_are_one_line_each_and_leave_nothing(
    site: Any, cache: Path, fault: dict[str, Any], message: str
) -> None:
    for name, value in fault.items():
        setattr(site, name, value)
    assert message in failure(zoo("fetch", "tiny"))
    assert in_cache(cache) == []


@pytest.mark.usefixtures("remote")
def test_a_server_that_stumbles_once_is_forgiven(site: Any) -> None:
    site.statuses = [500]
    assert zoo("fetch", "tiny").exit_code == 0


@pytest.mark.usefixtures("remote")
def test_a_full_disk_is_one_line(cache: Path) -> None:
    with full_disk(1000):
        line = failure(zoo("fetch", "tiny"))
    assert f"ocrkit: {cache / 'weights'}" in line
    assert "cannot be written (File too large)" in line
    assert zoo("fetch", "tiny").exit_code == 0


@pytest.mark.usefixtures("remote")
def test_a_cache_that_cannot_be_made_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OCRKIT_CACHE", str(tmp_path / "file"))
    assert "cannot be written (Not a directory)" in failure(zoo("fetch", "tiny"))


# ------------------------------------------------------------------------------------ two processes


def waits_for_a_lock(process: subprocess.Popen[str]) -> bool:
    """As Linux lists those that do: behind an arrow."""
    return any(
        "->" in line and f" {process.pid} " in line
        for line in Path("/proc/locks").read_text().splitlines()
    )


def test_two_processes_at_once_fetch_once(
    program: Callable[..., subprocess.Popen[str]], site: Any
) -> None:
    site.stall = threading.Event()
    both = [program("zoo", "fetch", "tiny") for _ in range(2)]
    wait_for(lambda: site.asked)
    wait_for(lambda: any(map(waits_for_a_lock, both)))
    site.stall.set()
    path = model("tiny").weights_path
    for process in both:
        output, errors = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, f"tiny: {path}\n"), errors
    assert path.read_bytes() == site.files["models/w"]
    assert len(site.asked) == 1


def test_a_killed_process_leaves_its_part_and_no_lock(
    program: Callable[..., subprocess.Popen[str]], remote: Path, site: Any, cache: Path
) -> None:
    body = site.files["models/w"] = bytes(range(256)) * 4096
    weights = {
        "file": "w",
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "url": f"{site.url}/models/w",
    }
    describe(remote, weights)
    site.stall = threading.Event()
    process = program("zoo", "fetch", "tiny")
    part = model("tiny").weights_path.with_suffix(".part")
    wait_for(lambda: part.exists() and part.stat().st_size)
    process.kill()
    process.communicate()
    site.stall.set()
    came = part.stat().st_size
    assert 0 < came < len(body)
    assert zoo("fetch", "tiny").exit_code == 0
    assert site.headers("Range") == [None, f"bytes={came}-"]
    assert model("tiny").weights_path.read_bytes() == body
    assert in_cache(cache) == [model("tiny").weights_path.name]


# ------------------------------------------------------------------------------------------ offline


@pytest.mark.usefixtures("remote")
def test_offline_what_is_missing_is_said_with_what_to_do(
    site: Any, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OCRKIT_OFFLINE", "1")
    with pytest.raises(WeightsError) as caught:
        ocrkit.load("tiny", backend="torch")
    message = str(caught.value)
    assert message.startswith(
        "model 'tiny': its weights (w.safetensors, 0.0 MB) are not on this machine"
    )
    assert (
        f"get {site.url}/models/w elsewhere and run: ocrkit zoo fetch tiny --from FILE" in message
    )
    assert failure(zoo("fetch", "tiny")) == f"ocrkit: {message}"
    assert not site.asked
    assert not cache.exists()
    assert not caplog.records


@pytest.mark.usefixtures("remote")
def test_offline_what_is_there_is_used(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert zoo("fetch", "tiny").exit_code == 0
    monkeypatch.setenv("OCRKIT_OFFLINE", "1")
    assert ocrkit.load("tiny", backend="torch").weights.reference == "zoo:tiny"
    assert zoo("fetch", "tiny").exit_code == 0
    assert len(site.asked) == 1


@pytest.mark.usefixtures("remote")
def test_fetch_offline_only_checks_what_is_there(site: Any) -> None:
    assert "model 'tiny': its weights" in failure(zoo("fetch", "tiny", "--offline"))
    assert not site.asked
    path = fetch(model("tiny"))
    assert zoo("fetch", "--offline", "tiny").stdout == f"tiny: {path}\n"
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{path}: not the weights of 'tiny': expected sha256 {path.stem}, got" in failure(
        zoo("fetch", "tiny", "--offline")
    )
    assert len(site.asked) == 1


@pytest.mark.usefixtures("remote")
def test_damaged_weights_say_how_to_mend_them(site: Any) -> None:
    path = fetch(model("tiny"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        WeightsError, match="damaged or replaced; install it anew: ocrkit zoo fetch tiny"
    ):
        ocrkit.load("tiny", backend="torch")
    assert zoo("fetch", "tiny").exit_code == 0
    assert path.read_bytes() == site.files["models/w"]


@pytest.mark.usefixtures("remote")
def test_a_file_fetched_by_hand_is_checked_and_put_in_place(
    site: Any, cache: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "download (1).bin"
    mine.write_bytes(b"something else")
    assert f"{mine}: not the weights of 'tiny': expected sha256" in failure(
        zoo("fetch", "tiny", "--from", mine)
    )
    assert in_cache(cache) == []
    mine.write_bytes(site.files["models/w"])
    assert zoo("fetch", "tiny", "--from", mine).exit_code == 0
    assert model("tiny").weights_path.read_bytes() == mine.read_bytes()
    assert not site.asked
    assert "nothing to fetch" in failure(zoo("fetch", "iam-crnn", "--from", mine))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--all", "tiny"),
        ("--from", __file__),
        ("--from", __file__, "a", "b"),
        ("--from", __file__, "--offline", "a"),
    ],
)
def test_contradictory_options_are_refused(arguments: tuple[str, ...]) -> None:
    assert zoo("fetch", *arguments).exit_code == 2


def test_an_unknown_model_does_not_keep_others_from_being_fetched(remote: Path) -> None:
    assert remote
    result = zoo("fetch", "tinny", "tiny")
    assert "Did you mean 'tiny'?" in failure(result)
    assert result.stdout == f"tiny: {model('tiny').weights_path}\n"


# -------------------------------------------------------------------------------- manifest and list


@pytest.mark.usefixtures("remote")
def test_list_says_what_is_not_fetched(site: Any) -> None:
    def listed() -> tuple[str, dict[str, Any]]:
        row = next(line for line in zoo("list").stdout.splitlines() if line.startswith("tiny"))
        return row, next(
            each
            for each in json.loads(zoo("list", "--json").stdout)["models"]
            if each["name"] == "tiny"
        )

    row, about = listed()
    assert "0.0 MB, not fetched" in row
    assert about["weights_are_here"] is False
    fetch(model("tiny"))
    row, about = listed()
    assert "not fetched" not in row
    assert about["weights_are_here"] is True


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/w",
        "ftp://example.org/w",
        "file:///etc/passwd",
        "https://a:b@example.org/w",
        "w",
        3,
        "",
    ],
)
def test_addresses_that_a_manifest_may_not_name(remote: Path, url: object) -> None:
    describe(remote, {"file": "w", "sha256": "0" * 64, "bytes": 1, "url": url})
    with pytest.raises(
        WeightsError, match=r"weights\.url: .*; expected an https address without a login"
    ):
        model("tiny")


@pytest.mark.parametrize("sha256", ["../../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n", 0])
def test_the_name_in_the_cache_is_a_checksum_and_nothing_else(remote: Path, sha256: object) -> None:
    describe(remote, {"file": "w", "sha256": sha256, "bytes": 1, "url": "https://example.org/w"})
    with pytest.raises(WeightsError, match=r"weights\.sha256: .*; expected 64 hexadecimal digits"):
        model("tiny")


def test_a_url_needs_a_size(remote: Path) -> None:
    describe(remote, {"file": "w", "sha256": "0" * 64, "url": "https://example.org/w"})
    with pytest.raises(WeightsError, match=r"weights\.bytes: missing"):
        model("tiny")

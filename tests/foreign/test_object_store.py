"""Pages in an object store, read by Ray into it: moto's, on this machine."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from one_liners import draw_pages
from PIL import Image as Pillow

from ocrkit import read_image
from ocrkit.cli import main
from ocrkit.parts.registry import registry
from ray_cluster import WARNINGS, started

fs = pytest.importorskip("pyarrow.fs")
ROOT = Path(__file__).parents[2]
REPEAT = ROOT / "benchmarks" / "repeat"
STORE = ROOT / "build" / "foreign" / "moto"


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """What a process needs in its environment to reach the store."""
    if not (STORE / "bin" / "moto_server").exists():
        pytest.skip("moto is not there: python tools/foreign_readers.py")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [STORE / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.kill()
        server.wait()


def _picture(path: Path) -> Pillow.Image:
    return Pillow.fromarray(read_image(path))


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["run", *map(str, words)])


@pytest.fixture
def pages(
    store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, Path]]:
    """A folder of pages and a pipeline, with Ray, whose actors reach the store."""
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(REPEAT)
    registry.cache_clear()
    with started(PYTHONPATH=str(REPEAT)):
        yield draw_pages(tmp_path, 11)
    monkeypatch.undo()
    registry.cache_clear()


@WARNINGS
def test_pages_are_read_from_a_store_into_it(
    store: dict[str, str], pages: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, pipeline = pages
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    first, *more = [_picture(folder / "000" / f"{number:06}.png") for number in range(3)]
    first.save(folder / "scan.pdf", save_all=True, append_images=more, resolution=150)
    system = fs.S3FileSystem(
        endpoint_override=store["AWS_ENDPOINT_URL"], allow_bucket_creation=True
    )
    system.create_dir("archive")
    fs.copy_files(str(folder), "archive/scans", destination_filesystem=system)

    asked = ("--pipeline", pipeline, "--format", "text,alto")
    here = run(folder, *asked, "--out", tmp_path / "here")
    assert here.exit_code == 0, here.stderr
    elsewhere = ("s3://archive/scans", *asked, "--out", "s3://archive/read", "--engine", "ray")
    read = run(*elsewhere)
    assert read.exit_code == 0, read.stderr
    assert "14 pages read into s3://archive/read; 1 failed" in read.stderr

    fs.copy_files("archive/read", str(tmp_path / "there"), source_filesystem=system)
    names = {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.*")}
    assert names == {path.relative_to(tmp_path / "there") for path in tmp_path.glob("there/**/*.*")}
    for name in names:
        mine, its = ((tmp_path / each / name).read_bytes() for each in ("here", "there"))
        assert its.replace(b"s3://archive/scans", str(folder).encode()) == mine, name

    assert "is there already" in run(*elsewhere).stderr
    system.delete_file("archive/read/000/000003.txt")
    again = run(*elsewhere, "--existing", "skip")
    assert "1 page read into s3://archive/read; 13 were there already" in again.stderr
    missing = run("s3://nowhere/scans", *elsewhere[1:])
    assert missing.exit_code == 1
    assert len(missing.stderr.strip().splitlines()) < 4

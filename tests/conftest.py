"""What all tests share: an environment of their own, words drawn on the spot in IAM's layout, and a
small pipeline for them."""

import importlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest

from ocrkit.parts.registry import registry

# No deadline: machines that build and test are slow and busy.
hypothesis.settings.register_profile("ocrkit", deadline=None)
hypothesis.settings.load_profile("ocrkit")

# Networks of a few channels are faster on one thread, and those of a busy machine more so. MXNet
# looks when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_REAL_IAM = os.environ.get("OCRKIT_IAM")


def pytest_configure(config: pytest.Config) -> None:
    """Takes it away, so that no test reads real IAM without asking for `real_iam`; not from a
    process that leaves the tests to others, which it is handed on to."""
    if not config.getoption("numprocesses", None):
        os.environ.pop("OCRKIT_IAM", None)


FORMS = {
    "a01-000u": ("000", "one hen to toe not teen hot the"),
    "a01-003": ("002", "net ten oh no then tone hoe he"),
    "a01-007": ("003", "eton note the hot neon then on eh"),
    "c04-156": ("100", "tenth hen note"),
    "c06-083": ("101", "one to the neon"),
}
"""Writer and words of each form. The first three are of aachen/train, the others of
aachen/validation."""

TINY = """
schema = 1
name = "tiny"
backends = ["onnx", "torch"]
alphabet = "ehnot"

[reader]
use = "iam"

[preprocessor]
use = "fit-pad"
height = 16
width = 48

[featurizer]
use = "cnn"
channels = 4
columns = 2
dropout = 0.05

[encoder]
use = "bilstm"
hidden = 8
dropout = 0.05

[decoder]
use = "ctc-greedy"

[[metrics]]
use = "cer"

[[metrics]]
use = "levenshtein"

[training]
backends = ["torch"]
split = "aachen/train"
validation = "aachen/validation"
epochs = 2
batch_size = 8
learning_rate = 0.03
"""


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal() -> Iterator[None]:
    """What a shell starts in the background ignores some, and so would the processes that tests
    start and stop."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    if before[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if before[signal.SIGHUP] is signal.SIG_IGN:
        signal.signal(
            signal.SIGHUP, lambda *_: None
        )  # goes on here, and is the system's own in processes that are started
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def _no_cache_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCRKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test's own cache of preprocessed images, empty at first."""
    folder = tmp_path_factory.mktemp("cache") / "ocrkit"
    monkeypatch.setenv("OCRKIT_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_iam() -> Path:
    """Real IAM words, where the environment variable OCRKIT_IAM named them when the tests
    started."""
    if not _REAL_IAM:
        pytest.skip("OCRKIT_IAM names no folder with IAM's words")
    return Path(_REAL_IAM)


@pytest.fixture(scope="session")
def words_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """31 drawn words of five forms and five writers, not to be changed."""
    root = tmp_path_factory.mktemp("words")
    (root / "ascii").mkdir()
    rows = []
    for form, (_, words) in FORMS.items():
        folder = root / "words" / form[:3] / form
        folder.mkdir(parents=True)
        for index, word in enumerate(words.split()):
            name = f"{form}-00-{index:02}"
            image = np.full((24, 13 * len(word) + 8), 250 - index, np.uint8)
            cv2.putText(
                image,
                word,
                (4, 18),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.6,
                20 + 5 * index,
                1 + index % 2,
                cv2.LINE_AA,
            )
            cv2.imwrite(str(folder / f"{name}.png"), image)
            rows.append(f"{name} ok 154 0 0 {image.shape[1]} 24 NN {word}\n")
    (root / "ascii" / "words.txt").write_text("".join(rows))
    (root / "ascii" / "forms.txt").write_text(
        "".join(f"{form} {writer}\n" for form, (writer, _) in FORMS.items())
    )
    return root


@pytest.fixture
def words_copy(words_root: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(words_root, tmp_path / "words_copy")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an untrained pipeline for these words, with a network that trains in no time."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny_run(tiny: Path, words_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training run of that pipeline, not to be changed: it reads most of the
    words."""
    from ocrkit.pipelines.build import assemble
    from ocrkit.pipelines.file import load_spec
    from ocrkit.training import train

    folder = tmp_path_factory.mktemp("run") / "tiny"
    train(assemble(load_spec(tiny, ["training.epochs=40"]), training=True), folder, data=words_root)
    return folder


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], Path]]:
    """``install(name, source)`` installs the distribution ``name-dist``, whose plugin ``name`` is
    one module of this source.

    It returns the folder that a subprocess needs in its PYTHONPATH. All of it is gone after the
    test.
    """
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install_plugin(name: str, source: str) -> Path:
        module = name.replace("-", "_")
        (site / f"{module}.py").write_text(source)
        about = site / f"{module}_dist-1.2.3.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.2.3\n"
        )
        (about / "entry_points.txt").write_text(f"[ocrkit]\n{name} = {module}\n")
        importlib.invalidate_caches()
        registry.cache_clear()
        return site

    yield install_plugin
    monkeypatch.undo()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(site)):
            del sys.modules[name]
    registry.cache_clear()

"""Commands that write files, killed at every operation on them, killed in the midst of a file, and
on a full disk.

``WORKS`` names them: add a line to try another.
"""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ocrkit.networks.weights import read
from trials.archives import member, packed
from trials.commands import End, run_command

CUTS = [0, 1, 100, 1000, 4096, 10_000, 30_000]
"""Bytes of a file at which a write ends."""
TRAIN = (
    "train --pipeline SEEDS/run --set training.epochs=2 --threads 1 --data SEEDS/words --out TO/run"
)
RUN = "run --pipeline SEEDS/pipeline --data SEEDS/words --split all --threads 1 --batch-size 4"


class Work(NamedTuple):
    """A command, whose words ``SEEDS`` and ``TO`` are the folders of sound inputs and of what is
    written."""

    command: str
    again: str = ""
    """How it goes on, where not by the same command."""
    begun: str = ""
    """The file that has to be there for that; else the command is given as at first."""
    imports: Sequence[str] = ()
    prepare: Callable[[Path], None] = lambda _: None
    cache: bool = False
    """Whether its images are cached below ``TO``; then it goes on twice, the second time from the
    cache."""


def _archives(to: Path) -> None:
    """Archives that the user has put there, to be extracted."""
    (to / "iam").mkdir()
    files = {
        "ascii": [member(), member("forms.txt", b"a01-000u 000\n")],
        "xml": [member(f"a01-00{index}.xml", b"<form/>") for index in range(5)],
        "words": [
            member(f"a01/a01-00{index}/a01-00{index}-00-00.png", bytes(9000)) for index in range(5)
        ],
    }
    for name, members in files.items():
        (to / "iam" / f"{name}.tgz").write_bytes(packed(*members))


WORKS = {
    "train on torch": Work(
        f"{TRAIN} --backend torch",
        "train --resume --threads 1 --out TO/run",
        "run/run.json",
        ["ocrkit_torch.backend"],
    ),
    "train on gluon": Work(
        f"{TRAIN} --backend gluon --set backends=['gluon']",
        "train --resume --threads 1 --out TO/run",
        "run/run.json",
        ["ocrkit_gluon.backend"],
    ),
    "run into a file": Work(
        f"{RUN} --output TO/results.jsonl", f"{RUN} --output TO/results.jsonl --resume"
    ),
    "run with everything": Work(
        f"{RUN} --output TO/results.jsonl --report TO/page.html --grid TO/grid.png"
    ),
    "run beside a cache": Work(f"{RUN} --output TO/results.jsonl", cache=True),
    "lm train": Work("lm train --text SEEDS/text/text.txt --order 4 --out TO/model.lm"),
    "export": Work("export SEEDS/pipeline --to TO/network.onnx"),
    "data fetch": Work("data fetch iam --dest TO/iam", prepare=_archives),
    "data show": Work("data show iam SEEDS/words --output TO/samples.png"),
    "new pipeline": Work("new pipeline --from SEEDS/pipeline --to TO/pipeline.toml"),
    "plugins new": Work("plugins new my-metric --kind metric --to TO/my-metric"),
}


# ------------------------------------------------------------------------------------------- trials


class _Trial:
    """A work in a folder of its own."""

    def __init__(self, work: Work, seeds: Path, folder: Path) -> None:
        self._work, self._seeds, self._folder = work, seeds, folder

    def begin(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._work.prepare(self._folder)

    def run(self, **fault: Any) -> End:
        return self._call(self._work.command, fault)

    def go_on(self) -> End:
        begun = self._work.again and (self._folder / self._work.begun).exists()
        command = self._work.again if begun else self._work.command
        if self._work.cache:
            self._call(command, {})
        return self._call(command, {})

    def _call(self, command: str, fault: dict[str, Any]) -> End:
        os.environ["OCRKIT_CACHE"] = str(
            (self._folder if self._work.cache else self._folder.parent) / "cache"
        )
        words = [
            word.replace("SEEDS", str(self._seeds)).replace("TO", str(self._folder))
            for word in command.split()
        ]
        return run_command(words, self._folder, **fault)

    def result(self) -> dict[str, str]:
        """What is in each file, without times. Files that only locks need, those that say when, and
        the cache, which is only to be used, are left out."""
        found = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            left_out = path.name in (".lock", "run.json", "page.html") or name.startswith("cache/")
            if path.is_file() and not left_out:
                found[name] = _digest(path)
        return found


def _digest(path: Path) -> str:
    if path.name == "log.jsonl":
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        timeless = [
            {key: value for key, value in line.items() if "second" not in key} for line in lines
        ]
        data = json.dumps(timeless, sort_keys=True).encode()
    elif path.suffix == ".safetensors":
        data = b"".join(
            name.encode() + array.tobytes() for name, array in sorted(read(path).arrays.items())
        )
    else:
        data = path.read_bytes()
    return hashlib.sha256(data).hexdigest()[:12]


def trial(folder: Path, seeds: str, name: str, points: int, seed: int = 0) -> dict[str, Any]:
    """Kills a work at so many points, drawn at random, or at all where there are no more, and has
    it go on: it shall end with the same files as one that nobody disturbed. Then the same with
    kills in the midst of a file and with full disks, which shall be a line. Reports ``wrong``, a
    line each."""
    work = WORKS[name]
    if not work.imports:
        os.environ["OCRKIT_DISABLE_PLUGINS"] = (
            "gluon,torch"  # whose imports take longer than all else
        )
    for module in (
        "ocrkit.cli.run",
        "ocrkit.cli.train",
        "ocrkit.pipeline",
        "ocrkit.training",
        *work.imports,
    ):
        import_module(module)
    one = _Trial(work, Path(seeds), folder / "one")
    one.begin()
    whole = one.run()
    if whole.status:
        return {"tried": 0, "wrong": [f"undisturbed: {whole.said[-500:]}"]}
    expected = one.result()
    wrong, peaks = [], [whole.peak_mb]
    random = Random(f"{seed} {name}")

    def disturb(what: str, **fault: Any) -> End:
        one.begin()
        end = one.run(**fault)
        peaks.append(end.peak_mb)
        if "Traceback" in end.said:
            wrong.append(f"{what}: {end.said[-700:]}")
        if one.result() == expected and not work.cache:
            return end  # it was through, or saw nothing of it
        on = one.go_on()
        if on.status or "Traceback" in on.said:
            wrong.append(f"{what}, then: status {on.status}: {on.said[-300:]}")
        elif (found := one.result()) != expected:
            names = sorted(
                key for key in {*found, *expected} if found.get(key) != expected.get(key)
            )
            wrong.append(f"{what}, then: other files: {names}")
        return end

    every = range(1, whole.operations + 1)
    chosen = every if points >= len(every) else sorted(random.sample(every, points))
    for point in chosen:
        end = disturb(f"killed at operation {point} of {len(every)}", kill_at=point)
        if end.status != -signal.SIGKILL:
            wrong.append(f"not killed at operation {point}: status {end.status}")
    cuts = [(size, killing) for size in CUTS for killing in (True, False)]
    for size, killing in cuts if points >= len(cuts) else random.sample(cuts, 1):
        what = f"{'killed' if killing else 'full'} at byte {size} of a file"
        end = disturb(what, most_bytes=size, killing=killing)
        if end.status not in ((0, -signal.SIGXFSZ) if killing else (0, 1)):
            wrong.append(f"{what}: status {end.status}: {end.said[-300:]}")
    return {
        "operations": len(every), "kills": len(chosen), "wrong": wrong,
        "peak_mb": round(max(peaks)),
    }  # fmt: skip

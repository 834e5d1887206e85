"""Recipes: what is trained on a GPU, and on what. ``recipes/*.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Draw:
    """Words that are drawn on the machine, where all of its processors draw them, instead of being
    carried: a call of ``tools/render_dataset.py``, paths within the data's folder."""

    reader: str
    root: str
    to: str
    options: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        options = [word for option in self.options for word in ("--set", option)]
        return [self.reader, self.root, "--to", self.to, *options]


@dataclass(frozen=True)
class Recipe:
    """A training, started in the data's folder, so that paths in it are within that."""

    name: str
    pipeline: str
    data: str
    settings: tuple[str, ...]
    init: str = ""
    draw: tuple[Draw, ...] = ()

    def started(self, run: Path, device: str) -> list[str]:
        """Python's arguments that start it."""
        command = ["-m", "ocrkit", "train", "--pipeline", self.pipeline, "--backend", "torch"]
        command += ["--data", self.data, "--out", str(run), "--device", device]
        command += ["--init", self.init] if self.init else []
        return command + [word for setting in self.settings for word in ("--set", setting)]

    def resumed(self, run: Path, device: str) -> list[str]:
        """Python's arguments that go on with it."""
        command = ["-m", "ocrkit", "train", "--resume", "--out", str(run)]
        return [*command, "--data", self.data, "--device", device]


def load(name: str, settings: list[str]) -> Recipe:
    """A recipe by its name or path, with more settings. Raises TypeError for keys that it cannot
    have."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    table: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    draw = tuple(Draw(**{**each, "options": tuple(each.get("options", ()))})
                 for each in table.pop("draw", []))  # fmt: skip
    own = tuple(table.pop("settings", ()))
    return Recipe(path.stem, settings=(*own, *settings), draw=draw, **table)

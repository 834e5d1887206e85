"""Hints on what to install name extras that are there, and that bring what is needed and no
more."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from ocrkit.errors import install_hint
from ocrkit.parts.registry import registry

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]

# Makes a network smaller in a process that has neither PyTorch nor its exporter.
QUANTISE = """
import sys
for name in ("torch", "onnxscript", "mxnet"):
    sys.modules[name] = None
import numpy as np
from ocrkit.pipelines.build import assemble
from ocrkit.pipelines.file import load_spec
from ocrkit.pipelines.trained import weights_to_read_with
from ocrkit_onnx.quantisation import quantise
assembly = assemble(load_spec("iam-crnn"), backend="onnx")
model = assembly.backend.export_onnx(assembly.plan, weights_to_read_with(assembly)[0])
batch = assembly.make_batch([np.full((32, 128), 200, np.uint8)])
print(len(model), len(quantise(model, [batch])))
"""


def test_every_extra_that_a_hint_names_is_there() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("ocrkit", "plugins")
        for path in (ROOT / folder).rglob("*.py")
    ]
    named = {
        extra
        for source in sources
        for extra in re.findall(r'install_hint\(["\'](\w+)["\']\)', source)
    }
    named |= {
        entry.extra
        for entry in registry().entries()
        if entry.extra and entry.plugin.distribution == "ocrkit"
    }
    assert named >= {"int8", "export", "torch"}
    assert named <= EXTRAS.keys()


def test_a_hint_can_be_followed_in_a_clone_and_in_another_s_package() -> None:
    assert install_hint("torch") == "Try: pip install '.[torch]' in the folder of ocrkit's source"
    assert install_hint("torch", "my-parts") == "Try: pip install 'my-parts[torch]'"


def test_int8_needs_the_package_onnx_alone() -> None:
    assert [re.split("[<>=]", line)[0] for line in EXTRAS["int8"]] == ["onnx"]
    done = subprocess.run(
        [sys.executable, "-c", QUANTISE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    exact, small = map(int, done.stdout.split())
    assert small < exact / 2

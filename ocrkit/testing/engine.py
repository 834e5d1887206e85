"""Whether an engine does what its interface says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from ocrkit.errors import OcrkitError
from ocrkit.page_jobs import Engine, PageJob, PageOutcome
from ocrkit.page_pipeline import PagePipeline
from ocrkit.parts.formats import save_page
from ocrkit.parts.registry import registry
from ocrkit.pipeline import load
from ocrkit.support.files import scratch_folder
from ocrkit.testing.base import PartConformance
from ocrkit.testing.images import word_like
from ocrkit.testing.small_networks import is_frozen


class EngineConformance(PartConformance):
    """Checks of an engine, which reads two pages and a damaged one."""

    kind = "engine"
    pipeline: str = ""
    """The page pipeline that it reads with; unless given, the zoo's model for pages."""

    @contextmanager
    def loaded(self) -> Iterator[PagePipeline]:
        """The pipeline, ready to read in one thread."""
        source = self.pipeline or registry().default_for("page")
        with load(source, threads=1) as pipeline:
            if not isinstance(pipeline, PagePipeline):
                raise TypeError(f"{source} reads no pages")
            yield pipeline

    def outcomes(self, pipeline: PagePipeline, source: Path, out: Path) -> list[PageOutcome]:
        job = PageJob(str(source), str(out), ("json",), "stop")
        return list(self.part().read(pipeline, job, lambda _: None))

    def test_it_is_one(self) -> None:
        """A frozen dataclass that reads, with an option for the address."""
        part = self.part()
        self.check(isinstance(part, Engine), "lacks read")
        self.check(is_frozen(part), "can be changed; freeze it")
        self.check(isinstance(getattr(part, "address", None), str), "has no option address")

    def test_a_folder_that_is_not_there_is_refused(self) -> None:
        """By a line."""
        with scratch_folder() as folder, self.loaded() as pipeline:
            try:
                with self.works("on a folder that is not there", OcrkitError):
                    self.outcomes(pipeline, folder / "missing", folder / "out")
            except OcrkitError as error:
                self.check(len(str(error).splitlines()) == 1, f"says {error}; expected one line")
            else:
                self.check(False, "reads a folder that is not there; expected OcrkitError")

    def test_it_writes_what_is_read(self) -> None:
        """The same bytes for every page as are written here; a damaged one is an outcome."""
        with scratch_folder() as folder, self.loaded() as pipeline:
            source, out = folder / "pages", folder / "out"
            (source / "more").mkdir(parents=True)
            for name, width in (("a", 200), ("more/b", 260)):
                cv2.imwrite(str(source / f"{name}.png"), np.asarray(word_like(300, width)))
            (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
            with self.works("to read three pages"):
                told = self.outcomes(pipeline, source, out)
            failed = [each.id for each in told if each.error is not None]
            self.check(len(told) == 3, f"tells of {len(told)} pages; expected 3")
            self.check(failed == [str(source / "bad.png")], f"says that {failed} failed")
            for name in ("a", "more/b"):
                page = pipeline.read(source / f"{name}.png")
                save_page(page, folder / "here.json", "json")
                there = out / f"{name}.json"
                same = there.is_file() and there.read_bytes() == (folder / "here.json").read_bytes()
                self.check(same, f"writes {name}.json otherwise than it is written here")
            for name in ("run.json", "failures.jsonl"):
                self.check((out / name).is_file(), f"writes no {name}")

"""What ``ocrkit serve`` stands: many clients at a time for minutes, and the same pages by it and by
``read_many``, as ``ocrkit run`` reads them, in turn.

    python benchmarks/serve_load.py load PAGES --minutes 5
    python benchmarks/serve_load.py rounds PAGES --rounds 5

PAGES is a folder of pictures, of which the first 24 are taken. ``load`` has every client send one
after the other, wait where it is told to (429), and compares every text with ``ocrkit run``'s.
``rounds`` has the clients share the pages, each of which is sent once; loading pipelines is in no
time.
"""

import argparse
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from threading import Lock

import httpx

import ocrkit
from ocrkit.images import find_images

OCRKIT = [sys.executable, "-m", "ocrkit"]
PATIENCE = 300
"""Seconds that a client waits for an answer."""


@dataclass
class Seen:
    """What clients saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Of each answer with a text."""
    different: list[str] = field(default_factory=list)
    """Pages that were read as another text than expected."""
    lock: Lock = field(default_factory=Lock)


@contextmanager
def service(pipeline: str) -> Iterator[tuple[str, int]]:
    """Its address and its process."""
    command = [*OCRKIT, "serve", "--pipeline", pipeline, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        addresses = (re.search(r"http://[^/]+", line) for line in process.stderr)
        yield next(filter(None, addresses))[0], process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def ask(client: httpx.Client, page: Path, expected: str | None, seen: Seen) -> None:
    """Sends a page until it is read."""
    while True:
        began = time.monotonic()
        answer = client.post("/v1/read", files={"file": (page.name, page.read_bytes())})
        with seen.lock:
            seen.statuses[answer.status_code] += 1
        if answer.status_code == 429:
            time.sleep(float(answer.headers["retry-after"]))
            continue
        if answer.status_code == 200:
            with seen.lock:
                seen.seconds.append(time.monotonic() - began)
                if answer.json()["items"][0]["text"] != expected:
                    seen.different.append(page.name)
        return


def held(process: int) -> int:
    """Megabytes of memory that a process holds."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) >> 10


def load(pages: Sequence[Path], pipeline: str, clients: int, minutes: float) -> None:
    run = [*OCRKIT, "run", "--pipeline", pipeline, "--json", *map(str, pages)]
    said = subprocess.run(run, check=True, stdout=subprocess.PIPE).stdout
    texts = {Path(each["id"]).name: each["text"] for each in json.loads(said)["items"]}
    seen = Seen()
    with service(pipeline) as (address, process), ThreadPoolExecutor(clients) as pool:

        def one(first: int) -> None:
            with httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client:
                for page in itertools.islice(itertools.cycle(pages), first, None):
                    if time.monotonic() >= end:
                        return
                    ask(client, page, texts[page.name], seen)

        began = time.monotonic()
        end = began + 60 * minutes
        waiting = [pool.submit(one, number) for number in range(clients)]
        while time.monotonic() < end:
            time.sleep(min(10, max(0, end - time.monotonic())))
            far = time.monotonic() - began
            print(f"{far:.0f} s: {len(seen.seconds)} pages, {held(process)} MB", flush=True)
        for each in waiting:
            each.result()
        rate = len(seen.seconds) / (time.monotonic() - began)
    percents = quantiles(seen.seconds, n=100)
    print(f"answers by status: {dict(seen.statuses)}; other texts than run's: {seen.different}")
    print(f"{rate:.3f} pages/s; p50 {percents[49]:.1f} s, p99 {percents[98]:.1f} s")


def served(pages: Sequence[Path], texts: Sequence[str | None], address: str, clients: int) -> float:
    """Seconds until clients have had every page read once."""
    seen, began = Seen(), time.monotonic()
    with (
        httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as client,
        ThreadPoolExecutor(clients) as pool,
    ):
        every = zip(pages, texts, strict=True)
        for answer in [pool.submit(ask, client, *each, seen) for each in every]:
            answer.result()
    assert not seen.different, seen.different
    assert set(seen.statuses) == {200}, seen.statuses
    return time.monotonic() - began


def rounds(pages: Sequence[Path], pipeline: str, clients: int, count: int) -> None:
    seconds: dict[str, list[float]] = {"run": [], "serve": []}
    with service(pipeline) as (address, _), ocrkit.load(pipeline) as loaded:
        for number in range(1, count + 1):
            began = time.monotonic()
            texts = [item.text for item in loaded.read_many(map(str, pages))]
            seconds["run"].append(time.monotonic() - began)
            seconds["serve"].append(served(pages, texts, address, clients))
            print(number, {name: round(each[-1], 1) for name, each in seconds.items()}, flush=True)
    run, serve = (len(pages) / median(each) for each in seconds.values())
    print(f"medians: run {run:.3f}, serve {serve:.3f} pages/s: {100 * serve / run:.0f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["load", "rounds"])
    parser.add_argument("pages", type=Path)
    parser.add_argument("--pipeline", default="iam-pages")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    taken = find_images(given.pages)[:24]
    if given.what == "load":
        load(taken, given.pipeline, given.clients, given.minutes)
    else:
        rounds(taken, given.pipeline, given.clients, given.rounds)

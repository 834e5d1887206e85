"""Which samples a run gets: root, split, lists of form ids, limit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrkit import load
from ocrkit.data.datasets import Dataset, open_dataset
from ocrkit.errors import ConfigError, DataError
from ocrkit.interfaces import FormCount, Skipped
from ocrkit.parts.options import PartSpec
from ocrkit_iam.reader import Iam

IAM = PartSpec("reader", "iam", {})


def forms(dataset: Dataset) -> list[str | None]:
    return list(dict.fromkeys(sample.form for sample in dataset))


def listed(tmp_path: Path, *ids: str) -> str:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.txt"
    path.write_text("\n".join(ids) + "\n")
    return str(path)


def test_a_data_set_is_all_of_a_split(words_root: Path) -> None:
    dataset = open_dataset(IAM, root=words_root)
    assert (dataset.name, dataset.root, dataset.split, dataset.is_sample) == (
        "iam",
        words_root,
        "all",
        False,
    )
    assert len(dataset) == len(list(dataset)) == 31
    assert dataset[0].id == "a01-000u-00-00"
    assert dataset[30].text == "neon"
    train = open_dataset(IAM, root=words_root, split="aachen/train")
    assert forms(train) == ["a01-000u", "a01-003", "a01-007"]
    assert train.forms == FormCount(3, 747)


def test_a_run_and_its_result_file_make_every_sample_once(
    tiny_run: Path, words_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    get = Iam.__getitem__
    monkeypatch.setattr(
        Iam, "__getitem__", lambda reader, index: made.append(index) or get(reader, index)
    )
    pipeline, dataset = load(tiny_run), open_dataset(IAM, root=words_root)
    pipeline.header(dataset)
    pipeline.evaluate(dataset=dataset)
    assert sorted(made) == list(range(31))


def test_the_split_is_the_pipelines_unless_another_is_named(words_root: Path) -> None:
    reader = PartSpec("reader", "iam", {"split": "aachen/validation"})
    assert forms(open_dataset(reader, root=words_root)) == ["c04-156", "c06-083"]
    assert open_dataset(reader, root=words_root, split="all").split == "all"


def test_the_root_is_the_one_named_then_the_pipelines_then_the_environments(
    words_root: Path, words_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCRKIT_IAM", str(words_root))
    assert open_dataset(IAM).root == words_root
    assert not open_dataset(IAM).is_sample
    reader = PartSpec("reader", "iam", {"root": str(words_copy)})
    assert open_dataset(reader).root == words_copy
    assert open_dataset(reader, root=str(words_root)).root == words_root
    monkeypatch.setenv("OCRKIT_IAM", "")
    assert open_dataset(IAM).is_sample


def test_without_a_root_it_is_the_whole_sample(tmp_path: Path) -> None:
    options = {"split": "aachen/test", "only": "missing.txt", "exclude": "missing.txt"}
    dataset = open_dataset(PartSpec("reader", "iam", options), split="aachen/train", limit=40)
    assert dataset.is_sample
    assert (dataset.root, dataset.split, len(dataset)) == (Iam.sample_root(), "all", 40)


def test_a_reader_without_a_sample_asks_for_data() -> None:
    with pytest.raises(
        DataError, match="reader 'folder' ships no sample; name a data set with --data ROOT"
    ):
        open_dataset(PartSpec("reader", "folder", {}))


@pytest.mark.parametrize("where", ["in the reader's options", "as arguments"])
def test_form_ids_narrow_a_split(where: str, words_root: Path, tmp_path: Path) -> None:
    def narrowed(**files: str) -> Dataset:
        if where == "as arguments":
            return open_dataset(IAM, root=words_root, **files)
        return open_dataset(PartSpec("reader", "iam", dict(files)), root=words_root)

    some = listed(tmp_path, "a01-003", "c04-156", "not-here")
    assert forms(narrowed(only=some)) == ["a01-003", "c04-156"]
    assert narrowed(only=some).forms == FormCount(2, 3)
    assert forms(narrowed(exclude=some)) == ["a01-000u", "a01-007", "c06-083"]
    assert narrowed(exclude=some).forms == FormCount(3, None)
    assert forms(narrowed(only=some, exclude=listed(tmp_path, "a01-003"))) == ["c04-156"]


def test_arguments_replace_the_readers_own_lists(words_root: Path, tmp_path: Path) -> None:
    reader = PartSpec("reader", "iam", {"only": listed(tmp_path, "a01-003")})
    assert forms(open_dataset(reader, root=words_root, only=listed(tmp_path, "a01-007"))) == [
        "a01-007"
    ]
    assert len(open_dataset(reader, root=words_root, only="")) == 31


def test_samples_that_are_known_to_be_unusable_are_named_unless_they_were_narrowed_away(
    words_copy: Path, tmp_path: Path
) -> None:
    (words_copy / "words/a01/a01-003/a01-003-00-02.png").unlink()
    (words_copy / "words/a01/a01-007/a01-007-00-01.png").write_bytes(b"")
    missing, empty = Skipped("a01-003-00-02", "missing"), Skipped("a01-007-00-01", "empty file")
    assert open_dataset(IAM, root=words_copy).skipped == (missing, empty)
    assert open_dataset(IAM, root=words_copy, exclude=listed(tmp_path, "a01-003")).skipped == (
        empty,
    )


def test_a_limit_keeps_the_first_samples(words_root: Path, tmp_path: Path) -> None:
    assert [sample.id for sample in open_dataset(IAM, root=words_root, limit=2)] == [
        "a01-000u-00-00",
        "a01-000u-00-01",
    ]
    narrowed = open_dataset(IAM, root=words_root, only=listed(tmp_path, "c06-083"), limit=1)
    assert [sample.id for sample in narrowed] == ["c06-083-00-00"]
    assert len(open_dataset(IAM, root=words_root, limit=1000)) == 31


def test_samples_are_narrowed_to_by_their_own_ids(words_root: Path, tmp_path: Path) -> None:
    """That is how a folder without forms is split."""
    ids = listed(tmp_path, "a01-000u-00-01", "c06-083")
    kept = [sample.id for sample in open_dataset(IAM, root=words_root, only=ids)]
    assert kept[0] == "a01-000u-00-01"
    assert all(each.startswith("c06-083-") for each in kept[1:])
    left = [sample.id for sample in open_dataset(IAM, root=words_root, exclude=ids)]
    assert sorted(kept + left) == sorted(each.id for each in open_dataset(IAM, root=words_root))


def test_the_rest_of_a_data_set(words_root: Path) -> None:
    dataset = open_dataset(IAM, root=words_root)
    assert [sample.id for sample in dataset.after(29)] == [dataset[29].id, dataset[30].id]
    assert list(dataset.after(31)) == []
    assert dataset.after(3).forms == dataset.forms


def test_a_data_set_without_forms_has_none_to_count(tmp_path: Path) -> None:
    root = tmp_path / "photographs"
    root.mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(root / "a.png")
    folder = PartSpec("reader", "folder", {})
    assert open_dataset(folder, root=root).forms is None
    assert open_dataset(folder, root=root, exclude=listed(tmp_path, "a01-003")).forms is None
    with pytest.raises(DataError, match="no samples in split 'all' after narrowing it by ids"):
        open_dataset(folder, root=root, only=listed(tmp_path, "a01-003"))


def test_a_list_of_forms_keeps_its_first_id_behind_a_byte_order_mark(
    words_root: Path, tmp_path: Path
) -> None:
    """Else words of a held-out form would be trained on."""
    ids = tmp_path / "ids.txt"
    ids.write_text("a01-000u\r\na01-003\r\n", "utf-8-sig")
    kept = {
        sample.form for sample in open_dataset(IAM, root=words_root, split="all", only=str(ids))
    }
    assert kept == {"a01-000u", "a01-003"}
    left = open_dataset(IAM, root=words_root, split="all", exclude=str(ids))
    assert not kept & {sample.form for sample in left}


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["a01-000u", "c04-156"], None),
        (["a01-000u", "z99-000"], "1 of 2 ids are no form and no sample of this data: z99-000"),
        (["a01-000u-00-00", "a01-003-00-00"], None),
        (
            ["a01-000u\u200b"],
            (
                "1 of 1 ids are no form and no sample of this data: a01-000u\u200b, with U+200B "
                "ZERO WIDTH SPACE in it"
            ),
        ),
        (list("bcda"), "4 of 4 ids are no form and no sample of this data: a, b, c, …"),
        ([], "no ids in it"),
    ],
)
def test_ids_that_narrow_nothing_are_named(
    words_root: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ids: list[str],
    said: str | None,
) -> None:
    """A typo in a list of held-out forms would let them be trained on. A form of another split is
    none."""
    file = listed(tmp_path, *ids)
    open_dataset(IAM, root=words_root, split="aachen/train", exclude=file)
    expected = [f"ocrkit: WARNING: {file}: {said}"] if said else []
    assert [record.getMessage() for record in caplog.records] == expected


def test_a_root_that_is_not_there_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataError, match=r"^nowhere: no such folder; expected the data of reader 'iam'$"
    ):
        open_dataset(IAM, root="nowhere")
    monkeypatch.setenv("OCRKIT_IAM", "nowhere")
    with pytest.raises(DataError, match=r"^nowhere: no such folder \(OCRKIT_IAM names it\)"):
        open_dataset(IAM)


def test_a_reader_has_its_say(
    words_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Iam, "notes", ["half of it is upside down"], raising=False)
    open_dataset(IAM, root=words_root)
    assert caplog.messages == ["ocrkit: WARNING: half of it is upside down"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda root, ids: open_dataset(IAM, root=root / "nowhere"), DataError, "nowhere"),
        (
            lambda root, ids: open_dataset(IAM, root=root, split="aachen/trian"),
            DataError,
            "Did you mean 'aachen/train'",
        ),
        (
            lambda root, ids: open_dataset(IAM, root=root, only=ids("z99-000")),
            DataError,
            "no samples in split 'all' after",
        ),
        (
            lambda root, ids: open_dataset(IAM, root=root, only="gone.txt"),
            DataError,
            "gone.txt: no such file; expected ids of forms or samples, one a line",
        ),
        (
            lambda root, ids: open_dataset(IAM, root=root, only=str(root)),
            DataError,
            "a folder; expected ids of forms or samples",
        ),
        (
            lambda root, ids: open_dataset(
                PartSpec("reader", "iam", {"level": "essays"}), root=root
            ),
            ConfigError,
            "reader.level: 'essays'; expected one of 'words'",
        ),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    call: Callable[[Path, Callable[[str], str]], Dataset],
    error: type[Exception],
    message: str,
    words_root: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(error) as caught:
        call(words_root, lambda *ids: listed(tmp_path, *ids))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

"""Language models: scores, files, ARPA. ``kenlm/`` holds a model that KenLM made and the scores
that it gives, log10, with

    sed 's/ /_/g; s/./& /g; s/_/<space>/g; s/ $//' harbour.txt | lmplz -o 4 --discount_fallback > harbour.arpa
    kenlm.Model("harbour.arpa").full_scores(" ".join("<space>" if c == " " else c for c in text))

(KenLM 0.3.0). The text was written for this.
"""  # noqa: E501

import json
import math
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ocrkit.errors import OcrkitError
from ocrkit.language_model import LanguageModel
from ocrkit_ngrams import files
from ocrkit_ngrams.arpa import read_arpa
from ocrkit_ngrams.counting import Counts
from ocrkit_ngrams.files import write
from ocrkit_ngrams.lookup import Rows, Search
from ocrkit_ngrams.model import NGramModel
from ocrkit_ngrams.smoothing import train
from ocrkit_ngrams.trie import NGrams

KENLM = Path(__file__).parent / "kenlm"
LN10 = math.log(10)

BY_HAND = r"""
\data\
ngram 1=5
ngram 2=4
ngram 3=2

\1-grams:
-0.5	a	-0.2
-0.7	b	-0.1
-1.0	<space>
-0.4	</s>
-99	<s>	-0.3

\2-grams:
-0.1	<s> a	-0.05
-0.2	a b	0.0
-0.3	b </s>
-0.6	b a

\3-grams:
-0.02	<s> a b
-0.04	b a b

\end\
"""


def arpa(tmp_path: Path, text: str = BY_HAND) -> Path:
    path = tmp_path / "model.arpa"
    path.write_text(text, encoding="utf-8")
    return path


def test_scores_are_those_that_back_off_gives_by_hand(tmp_path: Path) -> None:
    model = LanguageModel.open(arpa(tmp_path))
    assert (model.characters, model.order) == (" ab", 3)
    expected = {
        "": [-0.3 - 0.4],
        "a": [-0.1, -0.05 - 0.2 - 0.4],  # <s> a: no end behind it, nor behind a
        "ab": [
            -0.1,
            -0.02,
            -0.3,
        ],  # the end: <s> a b is as long as the order, so the context is a b, which has no back-off
        "ba": [-0.3 - 0.7, -0.6, -0.2 - 0.4],
        "bab": [-0.3 - 0.7, -0.6, -0.04, -0.3],
        " b": [-0.3 - 1.0, -0.7, -0.3],
    }
    for text, scores in expected.items():
        np.testing.assert_allclose(
            model.log_probs(text), np.array(scores) * LN10, rtol=1e-5, err_msg=repr(text)
        )


def test_scores_are_kenlms() -> None:
    model = LanguageModel.open(KENLM / "harbour.arpa")
    for text, scores in json.loads((KENLM / "scores.json").read_text()).items():
        np.testing.assert_allclose(
            model.log_probs(text), np.array(scores) * LN10, atol=1e-5, err_msg=repr(text)
        )


def sums(model: LanguageModel, text: str) -> list[float]:
    """The sum of all probabilities, the end's and the unknown's included, after every beginning of
    a text."""
    width = int(model.ngrams.children[0])
    choices = np.array(
        [index for index in range(width) if index not in (len(model.characters), model.start - 1)],
        np.int32,
    )
    state, found = np.array([model.start], np.int32), []
    for index in [*model.ids(text), None]:
        scores, _ = model.score(np.repeat(state, len(choices)), choices)
        found.append(float(np.exp(scores).sum() + np.exp(model.end(state))[0]))
        if index is not None:
            _, state = model.score(state, index[None])
    return found


@given(text=st.text(alphabet="The harbou,.☃", max_size=12))
def test_probabilities_sum_to_one_after_any_text(text: str) -> None:
    np.testing.assert_allclose(sums(HARBOUR, text), 1, atol=1e-5)


HARBOUR = LanguageModel.open(KENLM / "harbour.arpa")


def test_many_at_once_is_one_by_one_and_many_states_empty_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(
        "ocrkit_ngrams.lookup.ROWS", 24 * 45 * 8
    )  # rows are thrown away all the time, and made room for when many
    small = LanguageModel.open(KENLM / "harbour.arpa")
    for size in (1, 7, 200):
        states = np.full(size, small.start, np.int32)
        alone = [np.array([HARBOUR.start], np.int32) for _ in range(size)]
        for _ in range(8):
            characters = rng.integers(0, len(small.characters), size, np.int32)
            scores, states = small.score(states, characters)
            ends = small.end(states)
            for index in range(size):
                score, alone[index] = HARBOUR.score(alone[index], characters[index : index + 1])
                assert score[0] == scores[index]
                assert HARBOUR.end(alone[index])[0] == ends[index]


def test_threads_may_share_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocrkit_ngrams.lookup.ROWS", 24 * 45 * 8)
    model = LanguageModel.open(KENLM / "harbour.arpa")
    texts = ["The name of her boat", "Every gull laughed", "4 boats, 6 stories"]
    expected = [HARBOUR.log_probs(text) for text in texts]
    wrong = []

    def read(text: str, scores: np.ndarray) -> None:
        wrong.extend(text for _ in range(30) if (model.log_probs(text) != scores).any())

    threads = [
        threading.Thread(target=read, args=each) for each in zip(texts, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_unknown_characters_are_refused_unless_the_model_has_a_probability_for_them(
    tmp_path: Path,
) -> None:
    assert HARBOUR.log_probs("☃")[0] == HARBOUR.log_probs("é")[0] < -3
    with pytest.raises(
        OcrkitError, match=re.escape("lacks characters of the alphabet: 'cé'; train it with")
    ):
        LanguageModel.open(arpa(tmp_path)).ids("abcé")


def random_ngrams(data: st.DataObject) -> NGrams:
    """Of some random texts, pruned or not."""
    texts = data.draw(
        st.dictionaries(st.text("abc ", max_size=7), st.integers(1, 5), min_size=1, max_size=12)
    )
    counts = Counts("abc xy", data.draw(st.integers(1, 6)))
    counts.add(texts)
    return train(counts, keep=data.draw(st.none() | st.integers(0, 30)))


@given(data=st.data())
def test_searching_and_keeping_rows_are_the_same(data: st.DataObject) -> None:
    ngrams = random_ngrams(data)
    model, search, rows = NGramModel(ngrams), Search(ngrams), Rows(ngrams)
    states = np.full(4, model.start, np.int32)
    for _ in range(10):
        symbols = np.array(data.draw(st.lists(st.integers(0, 6), min_size=4, max_size=4)), np.int32)
        (one, behind), (other, also_behind) = search(states, symbols), rows(states, symbols)
        assert one.dtype == other.dtype == np.float32
        assert behind.dtype == also_behind.dtype == np.int32
        np.testing.assert_allclose(one, other, rtol=1e-6)
        np.testing.assert_array_equal(behind, also_behind)
        states = behind


# -------------------------------------------------------------------------------------------- files


def test_a_file_gives_what_was_written_to_it(tmp_path: Path) -> None:
    write(tmp_path / "model", read_arpa(KENLM / "harbour.arpa"))
    model = LanguageModel.open(tmp_path / "model")
    assert (model.characters, model.order, model.about) == (HARBOUR.characters, 4, HARBOUR.about)
    (tmp_path / "model").write_bytes(
        b""
    )  # a file that is cut while a process has it mapped would end that process
    for text in ("The name of her boat", "zebra", ""):
        np.testing.assert_allclose(model.log_probs(text), HARBOUR.log_probs(text), rtol=2e-3)
    np.testing.assert_allclose(sums(model, "He had heard"), 1, atol=2e-3)


def test_a_damaged_or_foreign_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model"
    write(path, read_arpa(KENLM / "harbour.arpa"))
    whole = path.read_bytes()
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "weights")
    damaged = {
        "empty": b"",
        "cut": whole[:-10],
        "longer": whole + b"x",
        "changed": whole[:-1] + bytes([whole[-1] ^ 1]),
        "page": b"<!doctype html><title>Not found</title>",
        "weights": (tmp_path / "weights").read_bytes(),
        "version": whole.replace(b"n-grams 1", b"n-grams 9"),
        "order": whole.replace(b'\\"order\\": 4', b'\\"order\\": 9'),
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OcrkitError, match="no language model, or a damaged one") as caught:
            LanguageModel.open(tmp_path / name)
        assert "\n" not in str(caught.value), name
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays["symbols"].__setitem__(-1, 200),
        lambda arrays: arrays["children"].__setitem__(1, 9),
        lambda arrays: arrays["log_probs"].__setitem__(5, np.nan),
        lambda arrays: arrays.pop("symbols"),
        lambda arrays: arrays.update(backoffs=arrays["backoffs"][:-1]),
        lambda arrays: arrays.update(children=arrays["children"][:0]),
        lambda arrays: arrays.update(symbols=arrays["symbols"].astype(np.float32)),
        lambda arrays: arrays.update(children=arrays["children"].astype(np.int64)),
    ],
)
def test_a_file_whose_numbers_lead_nowhere_is_refused_even_where_its_sum_is_right(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, np.ndarray]], object],
) -> None:
    digest = files._digest

    def changed(arrays: dict[str, np.ndarray]) -> str:
        change(arrays)
        return digest(arrays)

    monkeypatch.setattr(files, "_digest", changed)
    write(tmp_path / "model", read_arpa(KENLM / "harbour.arpa"))
    monkeypatch.setattr(files, "_digest", digest)
    with pytest.raises(OcrkitError, match="no language model, or a damaged one"):
        LanguageModel.open(tmp_path / "model")


def test_what_is_neither_a_file_nor_a_shipped_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        OcrkitError,
        match=r"englsh: no such language model; expected a file, or the name of .*\benglish\b",
    ):
        LanguageModel.open("englsh")
    with pytest.raises(OcrkitError, match="no such language model"):
        LanguageModel.open(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\end\\", "", "it was cut off"),
        ("ngram 2=4", "ngram 2=5", "it has 4 2-grams; its beginning says 5"),
        ("ngram 3=2", "ngram 3=2\nngram 4=1", "n-grams up to length 3; its beginning says 4"),
        ("-0.2\ta b\t0.0", "-0.2\ta b c d", r"'-0.2\\ta b c d'; expected log10, 2 tokens"),
        ("-0.2\ta b\t0.0", "0.2\ta b\t0.0", "expected log10"),
        ("-0.2\ta b\t0.0", "nan\ta b\t0.0", "expected log10"),
        ("-0.2\ta b\t0.0", "-0.2\ta c\t0.0", "'c' is in n-grams, but not among the 1-grams"),
        ("-0.6\tb a", "-0.6\ta a", "'b a b' is an n-gram, but its beginning is none"),
        ("-0.6\tb a", "-0.6\ta b", "it has a 2-gram twice"),
        ("-0.7\tb", "-0.7\tthe", "the token 'the' is no character"),
        ("<s>", "x", "1-grams lack <s>"),
        ("-0.7\tb", "-0.7\ta", "a token twice"),
        ("\\2-grams:", "\\3-grams:", r"expected \\2-grams:"),
    ],
)
def test_a_damaged_arpa_file_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(OcrkitError, match=message) as caught:
        LanguageModel.open(arpa(tmp_path, BY_HAND.replace(old, new)))
    assert "\n" not in str(caught.value)


@given(data=st.data())
def test_no_arpa_file_does_more_than_be_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = data.draw(st.integers(10, len(BY_HAND) - 1))
    end = data.draw(st.integers(start, min(start + 12, len(BY_HAND))))
    path = arpa(
        tmp_path_factory.getbasetemp(),
        BY_HAND[:start] + data.draw(st.text(max_size=4)) + BY_HAND[end:],
    )
    try:
        model = LanguageModel.open(path)
    except OcrkitError:
        return
    assert not np.isnan(model.log_probs(model.characters)).any()


# ---------------------------------------------------------------------------------- what is shipped


def test_the_shipped_model_knows_english_and_the_zoos_alphabet() -> None:
    from ocrkit.pipelines.file import load_spec

    model = LanguageModel.open("english")
    assert model.characters == load_spec("iam-crnn").alphabet
    assert "WordNet" in model.about["licence"]
    for word, misread in (
        ("house", "hcuse"),
        ("London", "Lordon"),
        ("quickly", "quidkly"),
        (",", "^"),
        ("1961", "l96l"),
    ):
        assert model.log_probs(word).sum() > model.log_probs(misread).sum() + 1, word


@pytest.mark.parametrize(
    ("line", "misread"),
    [
        ("which the House of Representatives", "whichthe House of Representatives"),
        ("the people of the country , and", "the peopleof the country , and"),
        ("the people of the country, and", "the people of the country,and"),
        ("of the government. The people", "of the government.The people"),
        ("of the government . The people", "of the govern ment . The people"),
    ],
)
def test_the_shipped_english_knows_lines_in_either_spacing(line: str, misread: str) -> None:
    model = LanguageModel.open("english-lines")
    assert model.log_probs(line).sum() > model.log_probs(misread).sum() + 1


def test_the_shipped_french_knows_accents_apostrophes_and_french_spacing() -> None:
    model = LanguageModel.open("french")
    assert set("àâäçéèêëîïñôöùûüÿœæÀÂÇÉÈÊËÎÏÔÙÛŒ°«»&' ").issubset(model.characters)
    for line, misread in (
        ("la liberté qu'il a donnée à sa mère", "la liberte qu'il a donnee a sa mere"),
        ("c'est l'homme que j'ai vu", "c est l homme que j ai vu"),
        ("que voulez-vous ?", "que voulez-vous?"),
        ("il était une fois", "il étaitune fois"),
        ("de la maison, et", "de la maison,et"),
    ):
        assert model.log_probs(line).sum() > model.log_probs(misread).sum() + 1, line


def test_to_the_shipped_english_lines_end_in_the_middle_of_sentences_but_not_of_words() -> None:
    model = LanguageModel.open("english-lines")
    ends = [model.log_probs(line)[-1] for line in ("people of the country", "people of the coun")]
    assert ends[0] > ends[1] + 3


SHIPS = """
import ocrkit

@ocrkit.hookimpl
def ocrkit_language_models(register):
    register("harbour", "their_models:harbour.arpa", summary="What is said in a harbour")
"""


def test_a_plugin_may_ship_a_model(install: Callable[[str, str], Path]) -> None:
    site = install("theirs", SHIPS)
    (site / "their_models").mkdir()
    (site / "their_models" / "__init__.py").touch()
    shutil.copy(KENLM / "harbour.arpa", site / "their_models")
    assert LanguageModel.open("harbour").characters == HARBOUR.characters

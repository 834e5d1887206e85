"""Training of language models: the numbers of KenLM's lmplz, probabilities that sum to 1, pruning,
and how texts are cut."""

import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrkit.errors import OcrkitError
from ocrkit.language_model import LanguageModel
from ocrkit_ngrams import texts as texts_module
from ocrkit_ngrams.counting import Counts
from ocrkit_ngrams.lookup import ROWS, Rows
from ocrkit_ngrams.measuring import bits
from ocrkit_ngrams.model import NGramModel
from ocrkit_ngrams.smoothing import train
from ocrkit_ngrams.texts import characters_of, read_texts, split_words, wrap, wrap_tokens
from ocrkit_ngrams.trie import NGrams

KENLM = Path(__file__).parent / "kenlm"


def texts_of(path: Path, *units: str) -> Counter[str]:
    return sum(read_texts(path, units=units or ["line"]), Counter())


def trained(
    texts: dict[str, int], order: int, characters: str | None = None, keep: int | None = None
) -> NGrams:
    counts = Counts(characters or "".join(sorted(set().union(*texts))), order)
    counts.add(texts)
    return train(counts, keep=keep)


def all_sums(ngrams: NGrams) -> np.ndarray:
    """The sums of all probabilities after every context that can be reached, and after every
    character in it."""
    model = NGramModel(ngrams)
    size = len(model.characters)
    characters = np.arange(size, dtype=np.int32)
    new, seen, found = {model.start}, set(), []
    while new:
        states = np.array(sorted(new), np.int32)
        seen |= new
        scores, behind = model.score(np.repeat(states, size), np.tile(characters, len(states)))
        found.append(
            np.exp(scores).reshape(len(states), size).sum(axis=1) + np.exp(model.end(states))
        )
        new = set(behind.tolist()) - seen
    return np.concatenate(found)


def test_a_model_of_thousands_of_characters_needs_little_memory() -> None:
    """A state's row has a number for each character: as many rows as of a hundred would be
    gigabytes."""
    characters = "".join(chr(0x4E00 + index) for index in range(6000))
    texts = {characters[first : first + 12]: 1 for first in range(0, 6000, 7)}
    ngrams = trained(texts, 3, characters)
    tracemalloc.start()
    model = NGramModel(ngrams)
    text = next(iter(texts))
    assert model.log_probs(text).sum() > model.log_probs(text[::-1]).sum()
    scores, states = model.score(
        np.full(6000, model.start, np.int32), np.arange(6000, dtype=np.int32)
    )
    assert np.exp(scores).sum() + np.exp(model.end(np.array([model.start], np.int32)))[
        0
    ] == pytest.approx(1, abs=1e-4)
    model.end(states)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * ngrams.symbols.nbytes
    rows, most = Rows(ngrams), 0
    for some in np.split(states, 60):  # as many at a time as a beam search has
        rows(some, np.full(len(some), len(characters), np.int32))
        most = max(most, rows._row_log_probs.nbytes + rows._row_next.nbytes)
    assert most <= ROWS


def test_the_numbers_are_lmplzs() -> None:
    """lmplz gives its uniform share to <unk>, which is here a character that the text does not
    have."""
    theirs = LanguageModel.open(KENLM / "harbour.arpa")
    texts = texts_of(KENLM / "harbour.txt")
    ours = trained(texts, 4, theirs.characters + "☃")
    assert ours.about["ngrams"] == [45, 163, 243, 270]
    model = NGramModel(ours)
    for text in [*texts, "The name of her boat", "hidden", "☃ ☃", ""]:
        np.testing.assert_allclose(
            model.log_probs(text), theirs.log_probs(text), atol=2e-6, err_msg=repr(text)
        )


words = st.dictionaries(
    st.text(alphabet="abc ", min_size=1, max_size=7), st.integers(1, 5), min_size=1, max_size=12
)


@given(texts=words, order=st.integers(1, 6), keep=st.none() | st.integers(0, 30))
def test_probabilities_sum_to_one_in_every_context(
    texts: dict[str, int], order: int, keep: int | None
) -> None:
    np.testing.assert_allclose(all_sums(trained(texts, order, "abc xy", keep)), 1, atol=1e-5)


@given(texts=words, order=st.integers(1, 5))
def test_counting_in_pieces_and_repeating_texts_are_the_same(
    texts: dict[str, int], order: int
) -> None:
    whole, pieces = Counts("abc ", order), Counts("abc ", order)
    whole.add(texts)
    for text, count in texts.items():
        for _ in range(count):
            pieces.add({text: 1})
    for ours, theirs in ((whole.keys, pieces.keys), (whole.counts, pieces.counts)):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    assert (whole.texts, whole.symbols) == (pieces.texts, pieces.symbols)


@given(texts=words, order=st.integers(1, 4))
def test_counts_are_how_often_a_text_occurs(texts: dict[str, int], order: int) -> None:
    counts = Counts("abc ", order)
    counts.add(texts)
    symbols = "abc $^"  # the end and the beginning, as the counts number them
    expected: Counter[str] = Counter()
    for text, count in texts.items():
        marked = f"^{text}$"
        for start in range(len(marked) - order + 1):
            expected[marked[start : start + order]] += count
    names = [""]
    for keys in counts.keys:
        names = [names[key // counts.width] + symbols[key % counts.width] for key in keys]
    assert {
        name: count for name, count in zip(names, counts.counts[-1].tolist(), strict=True) if count
    } == expected


def test_a_longer_memory_foretells_more_and_characters_never_seen_get_the_uniform_share() -> None:
    texts = texts_of(KENLM / "harbour.txt")
    needed = [bits(NGramModel(trained(texts, order)), texts)[0] for order in (1, 2, 3, 5)]
    assert needed == sorted(needed, reverse=True)
    model = NGramModel(trained(texts, 3, "".join(sorted(set().union(*texts))) + "☃€"))
    snowman, euro = model.log_probs("☃")[0], model.log_probs("€")[0]
    assert snowman == euro < model.log_probs("g")[0]


def test_pruning_keeps_what_matters() -> None:
    texts = texts_of(KENLM / "harbour.txt")
    sizes, needed = [], []
    for keep in (0, 50, 200, 500, None):
        ngrams = trained(texts, 4, keep=keep)
        sizes.append(sum(ngrams.about["ngrams"][1:]))
        needed.append(bits(NGramModel(ngrams), texts)[0])
    assert sizes == [0, 50, 200, 500, 676]
    assert needed == sorted(needed, reverse=True)
    unigrams = bits(NGramModel(trained(texts, 1)), texts)[0]
    assert needed[2] < unigrams - 0.6 * (
        unigrams - needed[-1]
    )  # a third of them does most of the work


def test_bits_are_those_of_the_texts_one_by_one() -> None:
    model = LanguageModel.open("english")
    texts = {"house": 3, "a": 1, "": 2, "garden": 1, "naïve": 4}
    total = -sum(
        count * model.log_probs(text).sum() for text, count in texts.items() if text != "naïve"
    ) / np.log(2)
    found, symbols, left_out = bits(model, texts)
    assert found == pytest.approx(total, rel=1e-6)
    assert (symbols, left_out) == (3 * 6 + 2 + 2 * 1 + 7, 4)
    assert bits(model, {"ï": 1}) == (0.0, 0, 1)


def test_texts_with_other_characters_are_left_out_and_none_at_all_is_an_error() -> None:
    counts = Counts("abc", 2)
    counts.add({"ab": 2, "xa": 3})
    assert (counts.texts, counts.left_out, counts.symbols) == (2, 3, 6)
    counts = Counts("abc", 2)
    counts.add({"xy": 3})
    with pytest.raises(
        OcrkitError, match="no text to train on: 3 texts have characters outside 'abc'"
    ):
        train(counts)


def test_words_are_split_from_the_punctuation_around_them() -> None:
    text = 'He said: "Don\'t (now)... pay £3.50," -- and well-known  Mr. X\'s\t"?!"'
    assert list(split_words(text)) == [
        "He",
        "said",
        ":",
        '"',
        "Don't",
        "(",
        "now",
        ")",
        "...",
        "pay",
        "£3.50",
        ",",
        '"',
        "--",
        "and",
        "well-known",
        "Mr",
        ".",
        "X's",
        '"',
        "?",
        "!",
        '"',
    ]


paragraphs = st.lists(
    st.text(st.sampled_from('abc ,."\t'), max_size=300) | st.just("x" * 90), max_size=4
).map("\n".join)


@given(text=paragraphs)
def test_wrapped_lines_are_the_words_in_order_broken_at_spaces_to_what_a_hand_writes_in_a_line(
    text: str,
) -> None:
    lines = list(wrap(text, Random(0)))
    assert " ".join(lines).split() == text.split()
    assert all(line == " ".join(line.split()) != "" for line in lines)
    assert all(len(line) <= 80 or " " not in line for line in lines)
    assert lines == list(wrap(text, Random(0)))
    assert " ".join(wrap_tokens(text, Random(0))).split() == list(split_words(text))


def test_lines_are_of_many_lengths_and_begin_and_end_anywhere() -> None:
    lines = list(wrap("one two three four five six seven eight nine ten. " * 400, Random(0)))
    lengths = [len(line) for line in lines[:-1]]
    assert min(lengths) < 35
    assert max(lengths) > 75
    assert len({line.split()[0] for line in lines}) == len({line.split()[-1] for line in lines})
    assert len({line.split()[0] for line in lines}) == 10
    assert (
        next(wrap_tokens("“Well,” he said (twice).", Random(0))) == "“ Well , ” he said ( twice ) ."
    )


def test_a_model_of_words_and_lines_serves_both(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("the hen went into the garden, and the cat sat in the house. " * 40)
    texts = texts_of(path, "word", "wrapped")
    model = NGramModel(trained(texts, 6))
    for likely, unlikely in (
        ("garden", "garden the"),  # a word ends
        ("the hen went into the", "the hen went inttthe"),  # and a line goes on
        ("sat in the house. the", "sat in the house.the"),
        ("into the garden, and", "into the garden , and"),
        ("cat sat in", "ca"),  # and neither ends within a word
    ):
        score = {text: model.log_probs(text).mean() for text in (likely, unlikely)}
        assert score[likely] > score[unlikely], likely


def test_texts_of_a_file_are_its_lines_or_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("a b\r\n\n  c, a\u2028b \na b".encode())
    told: list[int] = []
    assert texts_of(path) == {"a b": 2, "c, a\u2028b": 1}
    assert sum(read_texts(path, units=["word"], on_bytes=told.append), Counter()) == {
        "a": 3,
        "b": 3,
        "c": 1,
        ",": 1,
    }
    assert sum(told) == path.stat().st_size
    assert characters_of([path], units=["word"]) == ",abc"
    monkeypatch.setattr(texts_module, "_CHUNK", 2)
    assert texts_of(path, "word") == {"a": 3, "b": 3, "c": 1, ",": 1}
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(OcrkitError, match=r"not UTF-8 \(line 1\)"):
        texts_of(path)

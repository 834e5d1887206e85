"""Prefix beam search: against all texts written out, against itself with other widths, and on input
that is wrong."""

import itertools
import math
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ocrkit
import ocrkit_ctc
from ocrkit.data.datasets import open_dataset
from ocrkit.errors import ConfigError, OcrkitError
from ocrkit.interfaces import Decoder
from ocrkit.language_model import LanguageModel
from ocrkit.parts.codec import Alphabet
from ocrkit_ctc import beam
from ocrkit_ctc.beam import Beam
from ocrkit_ctc.greedy import Greedy

ALPHABET = Alphabet("ab")
BLANK = ALPHABET.blank
ALL = {"beam_width": 100, "min_probability": 0.0}
"""Options with which nothing is left out of tiny inputs."""


def log_softmax(logits):
    return (logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)).astype(np.float32)


def random_log_probs(shape, seed=1, sharpness=2.0):
    return log_softmax(np.random.default_rng(seed).normal(0, sharpness, shape))


def decode(log_probs, lengths=None, alphabet=ALPHABET, **options):
    lengths = [log_probs.shape[1]] * len(log_probs) if lengths is None else lengths
    return Beam(**options)(log_probs, np.array(lengths, np.int32), alphabet)


def all_texts(log_probs, alphabet=ALPHABET):
    """The probability of every text of one sample, by trying every path."""
    texts = {}
    for path in itertools.product(range(alphabet.classes), repeat=len(log_probs)):
        text = alphabet.decode(
            index for index, _ in itertools.groupby(path) if index != alphabet.blank
        )
        texts[text] = texts.get(text, 0.0) + math.exp(
            sum(float(log_probs[step, index]) for step, index in enumerate(path))
        )
    return texts


LOGITS = arrays.arrays(np.float64, (3, 5, 3), elements=st.floats(-12, 12))
LENGTHS = st.lists(st.integers(0, 5), min_size=3, max_size=3)


def test_is_registered_under_its_name():
    entries = {}
    ocrkit_ctc.ocrkit_decoders(lambda name, target, summary: entries.update({name: target}))
    module, _, attribute = entries["ctc-beam"].partition(":")
    assert getattr(import_module(module), attribute) is Beam
    assert isinstance(Beam(), Decoder)


# -------------------------------------------------------------------------------- the search itself


@given(LOGITS, LENGTHS)
def test_a_wide_beam_finds_all_texts_and_their_probabilities(logits, lengths):
    log_probs = log_softmax(logits)
    for item, scores, length in zip(
        decode(log_probs, lengths, n_best=1000, **ALL), log_probs, lengths, strict=True
    ):
        expected = all_texts(scores[:length])
        found = {each.text: math.exp(each.score) for each in item.alternatives}
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-30)
        assert expected[item.text] == pytest.approx(max(expected.values()), rel=1e-5)
        assert item.confidence == pytest.approx(min(expected[item.text], 1), rel=1e-5)


@given(LOGITS, LENGTHS, st.integers(1, 4))
def test_a_narrow_beam_gives_right_probabilities(logits, lengths, width):
    log_probs = log_softmax(logits)
    for item, scores, length in zip(
        decode(log_probs, lengths, beam_width=width, n_best=5), log_probs, lengths, strict=True
    ):
        expected = all_texts(scores[:length])
        assert [math.exp(each.score) for each in item.alternatives] == pytest.approx(
            [min(expected[each.text], 1) for each in item.alternatives], rel=1e-5
        )
        assert item.alternatives[0].text == item.text


@given(
    st.integers(2, 8).flatmap(
        lambda classes: arrays.arrays(np.float64, (2, 12, classes), elements=st.floats(-5, 5))
    ),
    st.sampled_from([0.0, 1e-3, 0.1]),
)
def test_ten_times_the_width_never_reads_a_less_likely_text(logits, least):
    log_probs, alphabet = log_softmax(logits), Alphabet("abcdefghij"[: logits.shape[2] - 1])
    found = [
        decode(log_probs, alphabet=alphabet, beam_width=width, min_probability=least)
        for width in (1, 10, 100)
    ]
    greedy = Greedy()(log_probs, np.full(2, 12), alphabet)
    for narrower, wider in itertools.pairwise([greedy, *found]):
        for before, after in zip(narrower, wider, strict=True):
            assert after.confidence >= before.confidence * (1 - 1e-9)


def test_hard_samples_do_not_fall_either():
    """Flat outputs, on which searches without a net fall in some of a hundred samples."""
    log_probs, alphabet = random_log_probs((150, 20, 11), sharpness=0.3), Alphabet("abcdefghij")
    found = [
        [item.confidence for item in decode(log_probs, alphabet=alphabet, beam_width=width)]
        for width in (1, 10, 100)
    ]
    assert (np.diff(found, axis=0) >= -1e-12).all()
    assert (np.diff(found, axis=0) > 0).any(axis=1).all()


def test_real_outputs_do_not_fall():
    """The shipped model on the shipped sample."""
    pipeline = ocrkit.load("iam-crnn", backend="onnx")
    alphabet = Alphabet(pipeline.spec.alphabet)
    for _, log_probs, lengths in pipeline.outputs(open_dataset(pipeline.spec.reader)):
        greedy = [item.confidence for item in Greedy()(log_probs, lengths, alphabet)]
        found = [
            [item.confidence for item in Beam(width)(log_probs, lengths, alphabet)]
            for width in (1, 10, 100)
        ]
        assert (np.diff([greedy, *found], axis=0) >= -1e-12).all()


def test_the_sum_over_paths_counts_not_the_best_path():
    """The classical case: the best path is blank, blank; but "a" has more paths."""
    log_probs = np.log(np.array([[[0.4, 1e-9, 0.6], [0.4, 1e-9, 0.6]]]))
    assert Greedy()(log_probs, np.array([2]), ALPHABET)[0].text == ""
    [item] = decode(log_probs)
    assert item.text == "a"
    assert item.confidence == pytest.approx(0.64, rel=1e-6)


def test_prefixes_that_were_dropped_and_come_again_are_one():
    """In narrow beams prefixes come and go; none may be there twice, which would count its paths
    twice."""
    log_probs, alphabet = random_log_probs((300, 24, 4), sharpness=0.7), Alphabet("abc")
    for width in (2, 3, 7):
        for item in decode(log_probs, alphabet=alphabet, beam_width=width, n_best=width):
            texts = [each.text for each in item.alternatives]
            assert len(set(texts)) == len(texts)


@given(LOGITS, LENGTHS, st.sampled_from([np.nan, np.inf, -np.inf, 700.0]))
def test_neither_the_batch_nor_what_is_beyond_the_length_changes_anything(logits, lengths, rubbish):
    log_probs = log_softmax(logits)
    spoilt = log_probs.copy()
    for index, length in enumerate(lengths):
        spoilt[index, length:] = rubbish
    together = decode(spoilt, lengths, beam_width=2, n_best=3)
    alone = [
        decode(log_probs[index : index + 1, :length], beam_width=2, n_best=3)[0]
        for index, length in enumerate(lengths)
    ]
    for one, other in zip(together, alone, strict=True):
        assert (one.text, one.spans) == (other.text, other.spans)
        assert one.confidence == pytest.approx(other.confidence)
        assert one.characters == pytest.approx(other.characters)
        assert [each.text for each in one.alternatives] == [
            each.text for each in other.alternatives
        ]


def test_unlikely_characters_are_not_considered_but_the_likeliest_always():
    log_probs = np.log(np.array([[[0.3, 0.6, 0.1], [0.05, 0.05, 0.9], [0.6, 0.3, 0.1]]]))
    texts = {
        each.text
        for each in decode(log_probs, beam_width=50, n_best=50, min_probability=0.5)[0].alternatives
    }
    assert texts == {"", "a", "b", "ba", "bb", "bab", "baa", "bba", "bbb"} & texts
    assert "ab" not in texts
    flat = log_softmax(np.zeros((1, 4, 3)))
    assert decode(flat, min_probability=0.9)[0].text != ""


def test_the_temperature_changes_confidences_alone():
    log_probs, alphabet = random_log_probs((60, 12, 6)), Alphabet("abcde")
    plain, warm = (
        decode(log_probs, alphabet=alphabet),
        decode(log_probs, alphabet=alphabet, temperature=2.0),
    )
    assert [(i.text, i.spans, i.alternatives) for i in plain] == [
        (i.text, i.spans, i.alternatives) for i in warm
    ]
    assert all(a.confidence != b.confidence for a, b in zip(plain, warm, strict=True))
    # What a temperature of 2 says of outputs, one of 1 says of outputs that were heated before.
    heated = Greedy()(log_softmax(log_probs / 2), np.full(60, 12), alphabet)
    same = [(one, other) for one, other in zip(warm, heated, strict=True) if one.text == other.text]
    assert same
    assert [one.confidence for one, _ in same] == pytest.approx(
        [other.confidence for _, other in same], rel=1e-5
    )


# ---------------------------------------------------------------------- word lists, language models


def lexicon(tmp_path, words):
    path = tmp_path / "words.txt"
    path.write_text(words, encoding="utf-8")
    return path


LETTERS = Alphabet("abn't ,.-")


def allowed(text, words):
    """A plain reading of the rule: words of the list with other characters than letters between
    them."""
    if not text:
        return True
    for word in words:
        rest = text.removeprefix(word)
        if rest != text and (not rest or not rest[0].isalpha()) and allowed(rest, words):
            return True
    return not text[0].isalpha() and allowed(text[1:], words)


def test_only_words_of_the_list_are_read(tmp_path):
    words = ["ab", "ban", "can't", "ant", "n't", "at", "a-b"]
    path = lexicon(tmp_path, "\n".join(words))
    log_probs = random_log_probs((200, 10, LETTERS.classes), sharpness=1.5)
    for width in (1, 10):
        items = decode(log_probs, alphabet=LETTERS, lexicon=path, beam_width=width, n_best=4)
        assert all(allowed(each.text, words) for item in items for each in item.alternatives)
        assert len({item.text for item in items}) > 20
    free = decode(log_probs, alphabet=LETTERS, beam_width=100)
    closed = decode(log_probs, alphabet=LETTERS, lexicon=path, beam_width=100)
    kept = [
        (one, other) for one, other in zip(free, closed, strict=True) if allowed(one.text, words)
    ]
    assert kept  # what could be read anyhow is read
    assert all(one.text == other.text for one, other in kept)


@given(arrays.arrays(np.float64, (2, 4, 3), elements=st.floats(-8, 8)))
def test_a_wide_beam_finds_the_likeliest_text_of_the_list(tmp_path_factory, logits):
    path = lexicon(tmp_path_factory.mktemp("lexicon"), "ab bab b")
    log_probs = log_softmax(logits)
    for item, scores in zip(decode(log_probs, lexicon=path, **ALL), log_probs, strict=True):
        texts = {
            text: probability
            for text, probability in all_texts(scores).items()
            if text in ("", "ab", "bab", "b")
        }
        assert texts[item.text] == pytest.approx(max(texts.values()), rel=1e-5)


def test_where_no_word_fits_nothing_is_read(tmp_path):
    log_probs = np.log(np.array([[[1 - 2e-12, 1e-12, 1e-12]] * 2]))
    [item] = decode(log_probs, lexicon=lexicon(tmp_path, "bbbb"))
    assert item.text == ""
    assert item.confidence == pytest.approx(1e-24)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no word"),
        (b"xyz 123", "no word"),
        (b"\xff\xff", "not UTF-8"),
        (None, "no such file; expected a lexicon"),
    ],
)
def test_lexicons_that_cannot_be_used_are_one_clear_line(tmp_path, content, message):
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OcrkitError, match=message) as caught:
        Beam(lexicon=path).check(ALPHABET)
    assert "\n" not in str(caught.value)


def test_a_lexicon_that_changes_is_read_again(tmp_path):
    log_probs = random_log_probs((1, 6, 3))
    for word in ("ab", "bab"):
        [item] = decode(log_probs, lexicon=lexicon(tmp_path, word), n_best=2, **ALL)
        assert {each.text for each in item.alternatives} == {word, ""}


def test_pipelines_refuse_a_lexicon_before_anything_runs(tmp_path):
    with pytest.raises(
        ConfigError, match=r"decoder: .*missing\.txt: no such file; expected a lexicon"
    ):
        ocrkit.load(
            "iam-crnn",
            {"decoder.use": "ctc-beam", "decoder.lexicon": str(tmp_path / "missing.txt")},
        )


@pytest.mark.parametrize(("name", "value"), [("lm_weight", 0.5), ("length_bonus", 0.0)])
def test_the_weights_of_a_language_model_that_is_not_named_are_refused(name, value):
    with pytest.raises(
        ConfigError, match=f"{name} weighs a language model, and language_model names none"
    ):
        Beam(**{name: value})
    assert getattr(Beam(language_model="english", **{name: value}), name) == value


class Bigrams:
    """A language model over "ab": what follows depends on the last character; state 2 is the
    beginning."""

    characters, start = "ab", 2
    table = np.log(np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.2, 0.7, 0.1]]))  # a, b, the end

    def missing(self, characters):
        return ""

    def ids(self, characters):
        missing = set(characters) - set("ab")
        if missing:
            raise OcrkitError(f"the language model has no {''.join(sorted(missing))!r}")
        return np.array(["ab".index(character) for character in characters], np.int32)

    def score(self, states, characters):
        return self.table[states, characters].astype(np.float32), characters.astype(np.int32)

    def end(self, states):
        return self.table[states, 2].astype(np.float32)

    def log_prob(self, text):
        states = [2, *self.ids(text)]
        return (
            sum(self.table[s, c] for s, c in itertools.pairwise(states)) + self.table[states[-1], 2]
        )


@pytest.fixture
def bigrams(monkeypatch):
    monkeypatch.setattr(beam, "open_model", lambda _: Bigrams())
    return "bigrams"


@pytest.mark.parametrize(("weight", "bonus"), [(1.0, 0.0), (0.4, 0.7), (3.0, -0.5), (0.0, 2.0)])
def test_the_language_model_is_weighed_in(bigrams, weight, bonus):
    log_probs = random_log_probs((40, 5, 3))
    options = {"language_model": bigrams, "lm_weight": weight, "length_bonus": bonus}
    for item, scores in zip(
        decode(log_probs, n_best=1000, **options, **ALL), log_probs, strict=True
    ):
        expected = {
            text: math.log(probability) + weight * Bigrams().log_prob(text) + bonus * len(text)
            for text, probability in all_texts(scores).items()
        }
        assert {each.text: each.score for each in item.alternatives} == pytest.approx(
            expected, rel=1e-5, abs=1e-5
        )
        assert expected[item.text] == pytest.approx(max(expected.values()), rel=1e-5)
    narrow = decode(log_probs, beam_width=6, **options)
    wide = decode(log_probs, **options, **ALL)
    assert np.mean([one.text == other.text for one, other in zip(narrow, wide, strict=True)]) > 0.8


@pytest.mark.parametrize("temperature", [None, 1.0, 2.5])
def test_with_a_language_model_the_confidence_is_the_text_s_share_of_all(bigrams, temperature):
    log_probs = random_log_probs((40, 5, 3))
    options = {"language_model": bigrams, "lm_weight": 0.8, "temperature": temperature}
    every = decode(log_probs, n_best=1000, **options, **ALL)
    for item, one in zip(every, decode(log_probs, **options, **ALL), strict=True):
        scores = np.array([each.score for each in item.alternatives]) / (temperature or 1)
        assert (
            item.confidence
            == one.confidence
            == pytest.approx(np.exp(scores[0]) / np.exp(scores).sum())
        )
        assert len(one.alternatives) == 1


def test_what_a_narrow_beam_drops_lowers_the_confidence(bigrams):
    """It would else end with a few texts that differ in their last letters, and be sure of the best
    of these."""
    log_probs = random_log_probs((60, 8, 3), sharpness=1.0)
    options = {
        "language_model": bigrams,
        "lm_weight": 0.8,
        "length_bonus": 0.5,
        "min_probability": 0.0,
    }
    every = [
        {each.text: np.exp(each.score) for each in item.alternatives}
        for item in decode(log_probs, n_best=1000, beam_width=1000, **options)
    ]
    for width, most in ((3, 0.1), (10, 0.02)):
        narrow = decode(log_probs, beam_width=width, **options)
        exact = [
            texts[item.text] / sum(texts.values())
            for item, texts in zip(narrow, every, strict=True)
        ]
        assert np.abs(np.subtract(exact, [item.confidence for item in narrow])).mean() < most


def test_the_language_model_s_alphabet_is_checked(bigrams):
    with pytest.raises(OcrkitError, match="has no 'c'"):
        Beam(language_model=bigrams).check(Alphabet("abc"))


def test_characters_that_are_unknown_to_an_arpa_file_are_named(caplog):
    arpa = Path(__file__).parents[1] / "plugins" / "kenlm" / "harbour.arpa"
    Beam(language_model=str(arpa)).check(Alphabet("abé7"))
    [message] = caplog.messages
    assert message.startswith(
        f"ocrkit: language model {arpa} lacks 2 of the alphabet's 4 characters"
    )
    assert message.endswith(": é7")
    caplog.clear()
    Beam(language_model=str(arpa)).check(Alphabet("ab"))
    assert not caplog.messages


def test_the_model_that_ships_reads_along():
    """Blurred letters of a word: alone the beam reads what is likeliest by itself, with the model
    the word."""
    alphabet = Alphabet(LanguageModel.open("english").characters)
    logits = np.full((1, 9, alphabet.classes), -4.0)
    for step, letters in enumerate(("h", "oa", "u", "s", "e")):
        logits[0, 2 * step, alphabet.encode(letters)] = 4.0
    logits[0, 2, alphabet.encode("a")] = 4.3
    logits[0, 1::2, alphabet.blank] = 4.0
    log_probs = log_softmax(logits)
    assert decode(log_probs, alphabet=alphabet)[0].text == "hause"
    options = {"language_model": "english", "lm_weight": 0.5}
    assert decode(log_probs, alphabet=alphabet, **options)[0].text == "house"


# ------------------------------------------------------------------------------ wrong and odd input


def test_hopeless_and_certain_outputs():
    hopeless = np.full((2, 4, 3), -np.inf, np.float32)
    assert [item.confidence for item in decode(hopeless)] == [0, 0]
    assert [item.confidence for item in decode(hopeless, temperature=2.0)] == [0, 0]
    certain = np.full((1, 40, 3), -np.inf, np.float32)
    certain[:, :, 0] = 1e-4  # what a log_softmax in half precision may leave
    [item] = decode(certain)
    assert (item.text, item.confidence, item.characters) == ("a", 1.0, (1.0,))


def test_a_line_of_10000_steps():
    rng = np.random.default_rng(4)
    path = np.where(rng.random(10_000) < 0.1, rng.integers(0, 2, 10_000), BLANK)
    logits = rng.normal(0, 1, (1, 10_000, 3))
    logits[0, np.arange(10_000), path] += 6
    log_probs = log_softmax(logits)
    [greedy], [found] = (
        Greedy()(log_probs, np.array([10_000]), ALPHABET),
        decode(log_probs, beam_width=3),
    )
    assert len(found.text) == len(found.spans) == len(found.characters) > 800
    assert abs(len(greedy.text) - len(found.text)) < 20


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int32]),
        arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    ),
    arrays.arrays(
        st.sampled_from([np.int32, np.int64, np.uint8, np.float32]),
        arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4),
    ),
)
def test_any_arrays_give_texts_or_one_clear_line(log_probs, lengths):
    try:
        results = Beam(beam_width=2)(log_probs, lengths, ALPHABET)
    except OcrkitError as error:
        assert str(error).startswith("ctc-beam: ")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(results) == len(log_probs)


@given(
    st.integers(0, 3).flatmap(
        lambda size: st.tuples(
            arrays.arrays(
                np.float32,
                (size, 5, 3),
                elements=st.one_of(st.floats(-300, 0, width=32), st.just(-np.inf)),
            ),
            arrays.arrays(np.uint8, (size,), elements=st.integers(0, 5)),
        )
    ),
    st.integers(1, 12),
    st.sampled_from([None, 0.3, 4.0]),
)
def test_whatever_is_below_0_is_read(case, width, temperature):
    log_probs, lengths = case
    for item, length in zip(
        Beam(width, n_best=3, temperature=temperature)(log_probs, lengths, ALPHABET),
        lengths,
        strict=True,
    ):
        assert 0 <= item.confidence <= 1
        assert len(item.text) == len(item.spans) == len(item.characters)
        assert all(0 <= confidence <= 1 for confidence in item.characters)
        bounds = [bound for span in item.spans for bound in (span.start, span.end)]
        assert bounds == sorted(bounds)
        assert all(0 <= span.start < span.end <= length for span in item.spans)

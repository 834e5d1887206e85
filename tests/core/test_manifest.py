"""How manifests are written: what they say does not change, and lists of ids are read fast."""

import tomllib
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from ocrkit.manifest import as_toml, write_manifest

ZOO = Path(__file__).parents[2] / "zoo"
# Without carriage returns: TOML's readers may take the end of a line for another.
TEXTS = st.text(
    st.sampled_from("ab \n\t'\"\\=#[]é\u0085\x7f") | st.characters(codec="utf-8", exclude_characters="\r"), max_size=30
)
VALUES = st.recursive(TEXTS | st.integers(-9, 9) | st.booleans(), lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(st.dictionaries(TEXTS, VALUES | st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4))
@example({"first": "\nends with a quote\n'", "forms": "a01\na02\n"})
@example({"first": "of lines\n'''", "forms": "a01\na02\n"})
@example({"first": 'of lines\n"""\n', "second": "of lines\n", "third": '"""'})
def test_what_is_written_is_what_is_read(manifest: dict[str, object]) -> None:
    assert tomllib.loads(as_toml(manifest)) == manifest


def test_a_list_of_ids_is_written_without_escapes_a_line_each(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.toml", {"name": "x", "choosing": {"forms": "a01-000u\na01-003\n"}})
    text = (tmp_path / "manifest.toml").read_text(encoding="utf-8")
    assert text == "name = \"x\"\n\n[choosing]\nforms = '''\na01-000u\na01-003\n'''\n"


def test_the_shipped_manifests_are_as_they_would_be_written() -> None:
    paths = list(ZOO.rglob("manifest.toml"))
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert as_toml(tomllib.loads(text)) == text, path

"""A bundle survives being written down, and its sha tells what is asked for from how it is typed."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streammagic.engines.jobs import Bundle, SinkRequest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MAPPINGS = st.dictionaries(TEXTS, TEXTS, max_size=3)
TUPLES = st.lists(TEXTS, max_size=3).map(tuple)
BUNDLES = st.builds(
    Bundle,
    engine=TEXTS,
    statement=TEXTS,
    definitions=TUPLES,
    settings=MAPPINGS,
    sink=st.builds(SinkRequest, connector=st.none() | TEXTS, options=MAPPINGS, exactly_once=st.booleans()),
    table=TEXTS,
    table_ddl=TEXTS,
    insert=TEXTS,
    topics=TUPLES,
    made_topics=TUPLES,
    groups=TUPLES,
)

WORDS = st.sampled_from(["SELECT", "FROM", "GROUP", "BY", "AS", "INSERT", "WINDOW"])
MARKS = st.sampled_from(["(", ")", ",", "=", "<>", "*", "42", "1.5e3", "`a b`", "`ü`"])
LITERALS = TEXTS.map(lambda text: "'" + text.replace("'", "''") + "'")
TOKENS = st.lists(WORDS | MARKS | LITERALS, min_size=1, max_size=8)
GAPS = st.sampled_from([" ", "\n", "\t ", " -- a note\n", " /* a note */ ", "\n// 'quoted'\n"])


@given(BUNDLES)
def test_json_is_read_back(bundle):
    assert Bundle.from_json(bundle.to_json()) == bundle
    assert Bundle.from_json(bundle.to_json().decode()) == bundle


@given(BUNDLES)
def test_a_packed_bundle_is_one_word_and_unpacked_again(bundle):
    word = bundle.packed()
    assert word.isascii()
    assert len(word.split()) == 1
    assert Bundle.unpacked(word) == bundle


@given(st.text(max_size=30))
def test_other_words_are_no_bundles(word):
    assert Bundle.unpacked(word) is None


def retyped(tokens, data):
    """The tokens with other white space, comments and cases of words between and in them."""
    gaps = [data.draw(GAPS) for _ in tokens]
    words = [token if token[0] in "'`" else random.choice((token.lower(), token)) for token in tokens]
    return "".join(gap + word for gap, word in zip(gaps, words, strict=True)) + data.draw(GAPS)


@given(st.lists(TOKENS, min_size=1, max_size=4), st.data())
def test_a_sha_is_the_same_however_it_is_typed(statements, data):
    texts = [" ".join(tokens) for tokens in statements]
    others = [retyped(tokens, data) for tokens in statements]
    definitions = data.draw(st.permutations(others[1:]))
    one = Bundle(engine="flink", statement=texts[0], definitions=tuple(texts[1:]))
    other = Bundle(
        engine="flink", statement=others[0], definitions=tuple(definitions), table="derived", topics=("t",)
    )
    assert len(one.sha) == 12
    assert one.sha == other.sha


@given(TOKENS, LITERALS, LITERALS)
def test_a_sha_tells_literals_apart(tokens, one, other):
    shas = [
        Bundle(engine="flink", statement=" ".join([*tokens, ",", literal])).sha for literal in (one, other)
    ]
    assert (shas[0] == shas[1]) == (one == other)


@given(BUNDLES, st.sampled_from(["engine", "settings", "sink", "definitions"]))
def test_a_sha_tells_what_is_asked_for_apart(bundle, part):
    from dataclasses import replace

    changed = {
        "engine": bundle.engine + "x",
        "settings": {**bundle.settings, "one more": "x"},
        "sink": replace(bundle.sink, exactly_once=not bundle.sink.exactly_once),
        "definitions": (*bundle.definitions, "CREATE VIEW v AS SELECT 1"),
    }
    other = replace(bundle, **{part: changed[part]})
    assert other.sha != bundle.sha or bundle.settings.get("one more") == "x"

import pytest

from streammagic.errors import OptionError
from streammagic.magics.options import HelpAsked, assignments, query_parser, words
from streammagic.magics.place import CellText
from streammagic.magics.stream import VerbTable


def read(line):
    return query_parser("flink", "Flink").read(line)


def refused(line):
    with pytest.raises(OptionError) as caught:
        read(line)
    return caught.value


def test_without_options_everything_is_left_to_the_defaults():
    expected = {
        "output": None,
        "limit": None,
        "keep": ...,
        "timeout": None,
        "wait": False,
        "bg": False,
        "view": "table",
        "x": None,
        "y": [],
        "key": [],
        "set": [],
        "conn": None,
        "start": None,
        "replace": False,
    }
    options = vars(read(""))
    assert {name: options[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("-o result", "output", "result"),
        ("--output result", "output", "result"),
        ("--output=result", "output", "result"),
        ("-o größe_2", "output", "größe_2"),
        ("--limit 10", "limit", 10),
        ("--keep 5", "keep", 5),
        ("--keep all", "keep", None),
        ("--timeout 1.5", "timeout", 1.5),
        ("--wait", "wait", True),
        ("--bg", "bg", True),
        ("--view changes", "view", "changes"),
        ("--view none", "view", "none"),
        ("--x time", "x", "time"),
        ("--y a b", "y", ["a", "b"]),
        ("--key a b", "key", ["a", "b"]),
        ("--key 'my col'", "key", ["my col"]),
        ("--set a=b c=d", "set", ["a=b", "c=d"]),
        ("--set a=b --set c=d", "set", ["a=b", "c=d"]),
        ('--set "a=b c"', "set", ["a=b c"]),
        ("--conn staging", "conn", "staging"),
        ("--from earliest", "start", "earliest"),
        ("--replace", "replace", True),
    ],
)
def test_an_option_is_read(line, name, value):
    assert getattr(read(line), name) == value


def test_options_stand_in_any_order():
    options = read("--set a=b --limit 3 -o x --wait")
    assert (options.set, options.limit, options.output, options.wait) == (["a=b"], 3, "x", True)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--limt 3", "--limit"),
        ("--lim 3", "--limit"),
        ("--waits", "--wait"),
        ("--kep all", "--keep"),
        ("--outptu x", "--output"),
        ("--veiw none", "--view"),
    ],
)
def test_a_typo_is_answered_with_the_option_that_was_meant(line, meant):
    error = refused(line)
    assert error.hint.startswith(f"Did you mean {meant}? ")
    assert line.split()[0] in error.message


def test_what_resembles_no_option_is_answered_with_where_they_are_listed():
    assert refused("--zzzzzz").hint == "%flink --help lists the options."


@pytest.mark.parametrize(
    "line",
    [
        "--limit 0",
        "--limit -1",
        "--limit ten",
        "--limit",
        "--keep some",
        "--keep 0",
        "--timeout soon",
        "--view pie",
        "--from now",
        "--wait --bg",
        "-o 2x",
        "-o a.b",
        "--set",
        "SELECT 1",
    ],
)
def test_what_does_not_fit_is_an_error_of_ours_and_nothing_is_printed(line, capsys):
    assert refused(line).message.startswith("%%flink: ")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["--limit 0", "--view pie", "--timeout soon"])
def test_a_wrong_value_is_no_wrong_option(line):
    assert "Did you mean" not in refused(line).hint


@pytest.mark.parametrize("line", ["--help", "-h", "--limit 3 --help", "-h --nonsense"])
def test_help_is_given_as_a_text(line, capsys):
    with pytest.raises(HelpAsked) as caught:
        read(line)
    text = caught.value.args[0]
    for option in ("--output", "--limit", "--keep", "--timeout", "--view", "--key", "--set", "--replace"):
        assert option in text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["--set 'a=b", '-o "x', "--conn it's"])
def test_an_open_quote_is_said(line):
    error = refused(line)
    assert line in error.message
    assert error.hint == "A quote in the options is not closed."


def test_words_are_split_as_in_a_shell():
    assert words("""--set 'a=b c' "d e" f\\ g""") == ["--set", "a=b c", "d e", "f g"]


def test_assignments_are_split_at_the_first_equals_sign():
    assert assignments(["a=b", "c=d=e", "f="]) == {"a": "b", "c": "d=e", "f": ""}


def test_of_two_assignments_of_a_key_the_last_counts():
    assert assignments(["a=1", "a=2"]) == {"a": "2"}


@pytest.mark.parametrize("word", ["a", "=b", "="])
def test_a_word_that_assigns_nothing_is_an_error(word):
    with pytest.raises(OptionError, match="key=value"):
        assignments([word])


def test_every_engine_has_the_same_options():
    flink, other = vars(read("")), vars(query_parser("ksql", "ksqlDB").read(""))
    assert flink == other


def test_a_verb_that_is_not_there_has_a_near_one():
    table = VerbTable("%stream")
    table.add("deploy", "deploy something", lambda _: None).add_argument("--settle")
    with pytest.raises(OptionError) as caught:
        table.run("delpoy x", CellText("", ""), None, lambda _: None)
    assert caught.value.message == "%stream knows no delpoy."
    assert caught.value.hint.startswith("Did you mean deploy?")


def test_an_option_that_a_verb_does_not_have_is_told_by_that_verb():
    table = VerbTable("%stream")
    table.add("deploy", "deploy something", lambda _: None).add_argument("--settle")
    with pytest.raises(OptionError) as caught:
        table.run("deploy --setle 3", CellText("", ""), None, lambda _: None)
    assert caught.value.hint == "Did you mean --settle? %stream deploy --help lists the options."

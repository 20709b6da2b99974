"""What is typed about deployments reaches the engine, and what it says reaches the person: no engine is needed."""

from types import SimpleNamespace

import pytest
from pausing_engine import PausingEngine

from streammagic.engines.base import Plugin
from streammagic.engines.jobs import Bundle
from streammagic.errors import OptionError, SqlError
from streammagic.magics.desk import Desk
from streammagic.magics.job_view import _acts
from streammagic.magics.place import CellText
from streammagic.magics.reading import Checking
from streammagic.magics.stream import verb_table
from streammagic.sql.flink import FlinkDialect

ONE, TWO = "SELECT 1 FROM s", "SELECT 2 FROM s"


class Connections:
    """Two engines: jobs of "flink" are not asked for here, those of "ksql" are a `PausingEngine`'s."""

    def __init__(self, jobs):
        self.plugins = {
            magic: Plugin(
                magic=magic,
                title=magic,
                dialect=FlinkDialect(),
                addresses={"server": ""},
                embedded=False,
                connect=lambda *_: pytest.fail("nothing is connected to"),
            )
            for magic in ("flink", "ksql")
        }
        self.jobs = jobs
        self.opened = []

    def targets(self):
        return self.plugins | {"prod": self.plugins["ksql"]}

    def plugin(self, name):
        return self.targets()[name]

    def is_there(self, plugin, name):
        del name
        return plugin.magic == "ksql"

    def checking(self, plugin, name, *, off):
        del plugin, name, off
        return Checking()

    def engine(self, plugin, name, progress):
        del progress
        self.opened.append((plugin.magic, name))
        return SimpleNamespace(
            jobs=self.jobs, columns=lambda _: None, setting=lambda _: None, improve=lambda *_: None
        )


@pytest.fixture
def jobs():
    return PausingEngine()


@pytest.fixture
def connections(jobs):
    return Connections(jobs)


@pytest.fixture
def stream(tmp_path, monkeypatch, connections):
    """``stream(line, body)`` runs a ``%stream`` line and returns the text that it shows."""
    monkeypatch.setenv("STREAMMAGIC_HOME", str(tmp_path))
    for module in ("deploy", "desk"):
        monkeypatch.setattr(f"streammagic.magics.{module}.plugins", lambda: connections.plugins)
    shown = []
    config = SimpleNamespace(mode="batch", settle=0.01)
    desk = Desk(config, connections, {}, lambda bundle: shown.append(bundle["text/plain"]))
    table = verb_table(desk)

    def run(line, body=None):
        shown.clear()
        table.run(line, CellText(f"%%stream {line}", body or ""), body, desk.show)
        return "\n".join(shown)

    run.desk = desk
    yield run
    desk.close()


def test_the_engine_is_that_of_the_connection(stream, connections):
    stream("deploy counts --conn prod", ONE)
    stream("deploy others --engine ksql", ONE)
    stream("deploy thirds --engine flink", ONE)
    asked = [opened for opened in connections.opened if opened[1] in ("prod", None)]
    assert ("ksql", "prod") in asked
    assert ("ksql", None) in asked
    assert ("flink", None) in asked
    assert ("flink", "prod") not in asked


def test_where_only_another_engine_is_connected_none_is_started_unasked(stream, connections):
    with pytest.raises(OptionError, match="On which engine") as caught:
        stream("deploy counts", ONE)
    assert caught.value.hint == "Write --engine ksql, or --engine flink."
    assert ("flink", None) not in connections.opened


def test_a_job_without_end_is_not_waited_for(stream, jobs):
    with pytest.raises(OptionError, match="--wait is for jobs that end"):
        stream("deploy counts --conn prod --wait", ONE)
    assert jobs.jobs() == []


def test_what_is_not_there_is_deleted_without_a_word_where_that_is_wanted(stream):
    stream("deploy counts --conn prod", ONE)
    assert "counts: deleted" in stream("delete others counts --if-exists")
    with pytest.raises(OptionError, match="no deployment"):
        stream("delete others")


def test_what_was_made_is_shown_and_then_found_unchanged(stream):
    assert (
        stream("deploy counts --conn prod", ONE)
        == f"counts: running (version 1)\n\nCREATE STREAM COUNTS AS\n{ONE}"
    )
    assert stream("deploy counts --conn prod", ONE) == "counts: unchanged (version 1, running)"


def test_a_statement_that_is_answered_at_once_may_be_deployed(stream, jobs):
    stream("deploy counts --conn prod", "CREATE TABLE counts (n INT)")
    assert jobs.of("counts").sql == "CREATE TABLE counts (n INT)"


def test_from_is_a_setting_where_the_engine_has_one(stream, jobs, connections):
    stream("deploy counts --conn prod --from latest --set a=b", ONE)
    bundle = stream.desk.ledger().deployment("server", "counts").current.bundle
    assert bundle.settings == {"a": "b", "auto.offset.reset": "latest"}
    jobs.start_setting = ""
    with pytest.raises(OptionError, match="--from is for engines"):
        stream("deploy others --conn prod --from latest", ONE)
    with pytest.raises(OptionError, match="--resume starts the version"):
        stream("deploy counts --conn prod --resume --from latest")
    assert connections.opened


def test_stop_and_resume_are_told_in_the_engines_words(stream):
    stream("deploy counts --conn prod", ONE)
    assert stream("stop counts") == "counts: paused; its state stays on the server"
    assert stream("deploy counts --conn prod --resume") == "counts: running (version 1, from where it was)"
    assert stream("stop counts --terminate") == "counts: terminated, what it had read is forgotten"
    with pytest.raises(OptionError, match="is not on the server any more"):
        stream("deploy counts --conn prod --resume")


def test_a_path_to_a_file_is_shown_but_in_a_batch(stream, jobs, monkeypatch):
    from streammagic.engines.jobs import Stopped

    monkeypatch.setattr(jobs, "stop", lambda *_, **__: Stopped("p", "stopped with a savepoint", "file:/p"))
    stream("deploy counts --conn prod", ONE)
    assert stream("stop counts") == "counts: stopped with a savepoint"
    jobs.of("counts").state = "RUNNING"
    stream.desk.config.mode = "text"
    assert stream("stop counts").endswith("counts: stopped with a savepoint · file:/p")


def test_a_changed_query_is_shown_as_what_the_server_would_be_sent(stream):
    stream("deploy counts --conn prod", ONE)
    assert f" CREATE STREAM COUNTS AS\n-{ONE}\n+{TWO}" in stream("deploy counts --conn prod --dry-run", TWO)


def test_all_of_it_is_on_its_page_without_savepoints(stream):
    stream("deploy counts --conn prod", ONE)
    page = stream("show counts")
    assert page.count(ONE) == 1
    assert "CREATE STREAM COUNTS AS" in page
    assert "Savepoints" not in page


def test_a_job_without_savepoints_has_no_button_for_them(stream):
    from streammagic.jobs.listing import Lister

    stream("deploy counts --conn prod", ONE)
    jobs = stream.desk.connections.jobs
    (entry,) = Lister(stream.desk.ledger(), {"prod": jobs}).read().entries
    assert _acts(entry) == ("stop", "logs")


def test_topics_go_with_what_they_were_made_for(stream, jobs):
    stream("deploy counts --conn prod", ONE)
    assert stream("delete counts") == (
        "counts: deleted (its job, stream COUNTS); topic COUNTS is kept (--topics deletes it)"
    )
    stream("deploy others --conn prod", ONE)
    assert stream("delete others --topics") == "others: deleted (its job, stream OTHERS, topic OTHERS)"
    assert jobs.topics == {"COUNTS"}


def test_readers_go_before_what_they_read_whatever_the_order(stream, jobs):
    stream("deploy counts --conn prod", ONE)
    stream("deploy reader --conn prod", TWO)
    jobs.used_by["COUNTS"] = {"READER"}
    before = list(jobs.did)
    with pytest.raises(OptionError, match="counts can't be deleted: READER uses it"):
        stream("delete counts")
    assert jobs.did == before
    away = []
    disown = jobs.disown
    jobs.disown = lambda bundle, topics=(): away.append(bundle.table) or disown(bundle, topics)
    shown = stream("delete counts reader --topics")
    assert away == ["READER", "COUNTS"]
    assert shown.splitlines() == [
        "reader: deleted (its job, stream READER, topic READER)",
        "counts: deleted (its job, stream COUNTS, topic COUNTS)",
    ]


def test_nothing_is_ended_where_one_of_several_can_not_be_deleted(stream, jobs):
    stream("deploy first --conn prod", ONE)
    stream("deploy counts --conn prod", ONE)
    jobs.make("theirs")
    jobs.used_by["COUNTS"] = {"THEIRS"}
    before = list(jobs.did)
    with pytest.raises(OptionError, match="counts can't be deleted: THEIRS uses it"):
        stream("delete first counts")
    assert jobs.did == before


def test_what_runs_and_what_is_paused_is_attached_as_it_is(stream, jobs):
    jobs.make("counts")
    jobs.make("resting", state="PAUSED")
    assert stream("attach --conn prod") == (
        "counts: attached (version 1, running)\nresting: attached (version 1, stopped)"
    )


def test_a_refused_replacement_is_told_with_what_goes_on(stream, jobs):
    jobs.refuses.add(TWO)
    stream("deploy counts --conn prod", ONE)
    with pytest.raises(SqlError) as caught:
        stream("deploy counts --conn prod --replace", TWO)
    assert "Version 1 goes on from where it was, as version 3" in caught.value.hint


def test_a_bundle_says_what_is_sent():
    assert Bundle(engine="x", statement="S").sent == ("S",)
    assert Bundle(engine="x", statement="S", insert="I").sent == ("I",)
    assert Bundle(engine="x", statement="S", table_ddl="D", insert="I").sent == ("D", "I")
    assert Bundle(engine="x", statement="S", table_ddl="D").sent == ("D",)

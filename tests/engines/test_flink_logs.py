"""The log lines about one job."""

import os

import pytest

from streammagic.engines.flink.logs import Subject, lines_about

JOB = "64203a2d7ca242cc9b8b7d992e5c2bf6"
OTHER = "0" * 32


@pytest.fixture
def log(tmp_path):
    """Write log files; each is newer than the one before."""
    made = []

    def write(name, *lines):
        file = tmp_path / name
        file.write_text("".join(f"{line}\n" for line in lines))
        os.utime(file, (1_000_000 + len(made),) * 2)
        made.append(file)
        return tmp_path

    return write


def line(second, text, level="INFO "):
    return f"2026-11-24 10:19:{second:02},000 {level} o.a.f.r.Thing - {text}"


def test_lines_that_name_the_job_come_with_their_stack_traces(log):
    directory = log(
        "jobmanager.log",
        line(1, f"Job {JOB} failed"),
        "java.lang.RuntimeException: no",
        "\tat a.b.c",
        line(2, f"Job {OTHER} failed"),
        "\tat d.e.f",
    )
    assert lines_about(directory, Subject(JOB), 50) == [
        line(1, f"Job {JOB} failed"),
        "java.lang.RuntimeException: no",
        "\tat a.b.c",
    ]


def test_rolled_files_come_first_and_both_roles_are_sorted_by_time(log):
    log("jobmanager.log.1", line(1, f"one {JOB}"))
    log("jobmanager.log", line(3, f"three {JOB}"))
    directory = log("taskmanager.log", line(2, f"two {JOB}"))
    assert [text.split(" - ")[1].split()[0] for text in lines_about(directory, Subject(JOB), 50)] == [
        "one",
        "two",
        "three",
    ]


def test_the_newest_lines_are_kept(log):
    directory = log("jobmanager.log", *(line(second, f"{JOB} {second}") for second in range(20)))
    assert lines_about(directory, Subject(JOB), 2) == [line(18, f"{JOB} 18"), line(19, f"{JOB} 19")]


def test_a_long_stack_is_cut_in_its_middle(log):
    directory = log("jobmanager.log", line(1, JOB), *(f"\tat frame{at}" for at in range(100)))
    shown = lines_about(directory, Subject(JOB), 5)
    assert shown == [line(1, JOB), "\tat frame0", "… 97 lines", "\tat frame98", "\tat frame99"]


def test_names_count_only_while_the_job_was_there(log):
    at = 1_795_515_602.0  # 10:20:02 UTC, a minute after those below
    directory = log(
        "taskmanager.log",
        line(1, "Source: a[1] -> Calc[2] (1/1)#0 of an earlier job"),
        "2026-11-24 10:20:03,000 INFO  o.a.f.r.Thing - Source: a[1] -> Calc[2] (1/1)#0 of this one",
    )
    shown = lines_about(directory, Subject(JOB, ("Source: a[1] -> Calc[2]",), at), 50)
    assert [text.split("#0 ")[1] for text in shown] == ["of this one"]


def test_a_name_is_not_found_within_another_word(log):
    directory = log("jobmanager.log", line(1, "job orders-eu"), line(2, "job orders"))
    assert lines_about(directory, Subject(JOB, ("orders",)), 50) == [line(2, "job orders")]


def test_checkpoints_as_they_should_be_are_one_line(log):
    directory = log(
        "jobmanager.log",
        *(line(at, f"Completed checkpoint {at} for job {JOB}") for at in range(5)),
        line(6, f"Decline checkpoint 6 of job {JOB}"),
    )
    shown = lines_about(directory, Subject(JOB), 50)
    assert shown == [
        line(4, f"Completed checkpoint 4 for job {JOB} (and 4 such lines before)"),
        line(6, f"Decline checkpoint 6 of job {JOB}"),
    ]


def test_secrets_are_masked(log):
    directory = log("jobmanager.log", line(1, f"{JOB} 'password' = 'hunter2'"))
    assert "hunter2" not in lines_about(directory, Subject(JOB), 50)[0]


def test_a_broken_byte_does_not_matter(log):
    directory = log("jobmanager.log")
    (directory / "jobmanager.log").write_bytes(line(1, JOB).encode() + b"\xff\n")
    assert lines_about(directory, Subject(JOB), 50) == [line(1, JOB) + "�"]


def test_no_files_no_lines(tmp_path):
    assert lines_about(tmp_path, Subject(JOB), 50) == []


def test_what_the_api_says_about_a_job_that_is_not_there_yet_is_no_line_about_it(log):
    asked = f"2026-11-24 11:05:10,606 ERROR o.a.f.r.r.h.j.JobStatusHandler   - Unhandled exception {JOB}."
    assert lines_about(log("jobmanager.log", asked, "\tat a.b"), Subject(JOB), 50) == []

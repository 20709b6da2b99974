"""The known failures of jobs: what goes wrong while rows flow, or when a job is to start."""

from __future__ import annotations

from streammagic.engines.flink.errors_known import CONFIG, FUNCTIONS, INSERT, JAR, JSON, KAFKA, TYPES, known

CHECKPOINTS = "ops/state/checkpoints/"
SAVEPOINTS = "ops/state/savepoints/"
FILES = "connectors/table/filesystem/"
MEMORY = "deployment/memory/mem_setup_tm/"

_MISFIT = (
    "Times such as 2026-01-01T00:00:00 need "
    "'json.timestamp-format.standard' = 'ISO-8601' in the table's WITH; 'json.ignore-parse-errors' = "
    "'true' (for CSV 'csv.…') "
    "leaves out what can't be read. %stream peek TOPIC shows the messages."
)
_BROKERS = (
    "Is the broker running, and 'properties.bootstrap.servers' its address as Flink sees it? "
    "%stream local start kafka starts one, {{{{ kafka }}}} is its address."
)
_TRY_CAST = (
    "TRY_CAST gives NULL where a value can't be read. A comparison of text with a number casts the text."
)

RUNNING = (
    known(
        r"Column '(?P<column>[^']+)' is NOT NULL, however, a null value is being written",
        "The column {column} is NOT NULL, and a NULL was to be written into it.",
        "Filter WHERE … IS NOT NULL, or write COALESCE(…); SET 'table.exec.sink.not-null-enforcer' = 'DROP' "
        "leaves such rows out.",
        INSERT,
    ),
    known(
        r"ArithmeticException: (?:/ by zero|Division by zero)",
        "A division by zero.",
        "Write x / NULLIF(y, 0): that is NULL instead.",
        FUNCTIONS,
    ),
    known(
        r"SingleValueAggFunction received more than one element",
        "A sub-query that stands for one value has more than one row.",
        "Take MAX(…) of it or LIMIT 1, or compare with IN.",
        "sql/reference/queries/select/",
    ),
    known(
        r"Fail to deserialize at field: (?P<name>[\w.]*\w)",
        "The value of {name} in a message does not fit its column.",
        _MISFIT,
        JSON,
    ),
    known(
        r"Some field is missing in the JSON data",
        "A message lacks a field of the table.",
        "'json.fail-on-missing-field' = 'false' makes it NULL.",
        JSON,
    ),
    known(
        r"(?s)Failed to deserialize JSON '(?P<record>.{0,80})|Corrupt \w+ JSON message '(?P<message>.{0,80})",
        "A message is not the JSON that the table expects.",
        "Is it the right topic and format? " + _MISFIT,
        JSON,
    ),
    known(
        r"Row length mismatch\. (?P<wanted>\d+) fields expected but was (?P<has>\d+)",
        "A line of CSV has {has} field(s), and the table {wanted} columns.",
        "'csv.field-delimiter' tells another separator; 'csv.ignore-parse-errors' = 'true' leaves "
        "such lines out.",
        "connectors/table/formats/csv/",
    ),
    known(
        r"NumberFormatException: For input string: ['\"](?P<value>[^'\"]{0,80})[^'\"]*['\"]",
        "'{value}' is no number.",
        _TRY_CAST,
        TYPES,
    ),
    known(
        r"Text '(?P<value>[^']{0,80})' could not be parsed",
        "'{value}' is no date or time.",
        "TRY_CAST gives NULL where a value can't be read; TO_TIMESTAMP(text, 'yyyy-MM-dd HH:mm:ss') "
        "reads other forms.",
        TYPES,
    ),
    known(
        r"Cannot parse '(?P<value>[^']{0,80})' as (?P<type>\w+)", "'{value}' is no {type}.", _TRY_CAST, TYPES
    ),
    known(
        r"File (?P<name>\S+) does not exist or the user running Flink",
        "There is no file or folder {name}, or Flink may not read it.",
        "The path is one of the machine that Flink runs on.",
        FILES,
    ),
    known(
        r"Failed to create the parent directory: (?P<name>\S+)|FileSystemException: "
        r"(?P<file>\S+?)(?:/\.part-\S*)?: Not a directory",
        "Flink can't write into {name}.",
        "The path must be a folder, or one that Flink may make.",
        FILES,
    ),
    known(
        r"Failed to create directory for shared state: (?P<name>\S+?)/[0-9a-f]{32}",
        "Checkpoints can't be written into {name}.",
        "'execution.checkpointing.dir' must be a folder that JobManager and TaskManagers may write into.",
        CHECKPOINTS,
    ),
    known(
        r"Could not find a file system implementation for scheme '(?P<name>[^']+)'",
        "Flink has no file system for {name}://.",
        "Its plugin belongs into Flink's folder plugins, not on the class path: that can't be done "
        "from here.",
        "deployment/filesystems/overview/",
    ),
    # Kafka
    known(
        r"Timed out waiting for a node assignment|Topic (?P<name>\S+) not present in metadata after"
        r"|TimeoutException: Timeout expired while fetching topic metadata",
        "Kafka does not answer.",
        _BROKERS,
        KAFKA,
    ),
    known(
        r"InvalidTopicException",
        "This can't be the name of a topic.",
        "Letters, digits, ., _ and - only.",
        KAFKA,
    ),
    known(
        r"does not host this topic-partition",
        "A topic that is read does not exist{topic}.",
        "%stream topics lists them, %stream send makes one.",
        KAFKA,
    ),
    known(
        r"No resolvable bootstrap urls|Invalid url in bootstrap\.servers: (?P<name>\S+)",
        "The address of the Kafka brokers is wrong.",
        "'properties.bootstrap.servers' is host:port, and the host one that Flink can resolve.",
        KAFKA,
    ),
    known(
        r"Undefined offset with no reset policy for partitions: \[(?P<name>[^\]]+)\]",
        "The consumer group has no offset yet in {name}.",
        "Write 'scan.startup.mode' = 'earliest-offset', or 'properties.auto.offset.reset' = 'earliest'.",
        KAFKA,
    ),
    known(
        r"Could not find a 'KafkaClient' entry in the JAAS configuration",
        "The Kafka table says how it logs in, but not as whom.",
        "Give 'properties.sasl.mechanism' and 'properties.sasl.jaas.config', the latter by a secret.",
        KAFKA,
    ),
    # the cluster
    known(
        r"Querying an unbounded table '(?P<name>[^']+)' in batch mode",
        "The table {name} never ends: batch mode can't read it.",
        "Leave --set execution.runtime-mode=batch out, or bound "
        "the table ('number-of-rows', 'scan.bounded.mode' = 'latest-offset').",
        "dev/datastream/execution_mode/",
    ),
    known(
        r"Cannot map checkpoint/savepoint state",
        "The savepoint does not fit this query.",
        "The query changed too much for its old state. Start without it, or leave behind what does "
        "not fit: SET "
        "'execution.state-recovery.ignore-unclaimed-state' = 'true'.",
        SAVEPOINTS,
    ),
    known(
        r"Cannot find checkpoint or savepoint file/directory '(?P<name>[^']+)'",
        "There is no checkpoint or savepoint {name}.",
        "RESET 'execution.state-recovery.path' starts without one.",
        SAVEPOINTS,
    ),
    known(
        r"Cannot find configured state backend factory class: (?P<name>\S+)",
        "There is no state backend {name}.",
        "'state.backend.type' is 'hashmap', 'rocksdb' or 'forst'.",
        "ops/state/state_backends/",
    ),
    known(
        r"(?P<name>\S+) is an unknown value of RestartStrategyType",
        "There is no restart strategy {name}.",
        "'restart-strategy.type' is 'none', 'fixed-delay', 'exponential-delay' or 'failure-rate'.",
        "ops/state/task_failure_recovery/",
    ),
    known(
        r"Parallelism must be at least one",
        "The parallelism must be at least one.",
        "See 'parallelism.default'.",
        CONFIG,
    ),
    known(
        r"OutOfMemoryError|Java heap space",
        "A process of Flink has no memory left.",
        "More for it: StreamMagic's settings of the embedded Flink, or taskmanager.memory.* elsewhere. Less "
        "state: a window, or SET 'table.exec.state.ttl' = '1 h'.",
        MEMORY,
    ),
    known(
        r"unexpectedly closed by remote task manager|TaskManager with id \S+ (?:is no longer "
        r"reachable|timed out)"
        r"|heartbeat of TaskManager with id",
        "A TaskManager was lost while the job ran.",
        "It may have run out of memory: its log tells. The embedded Flink starts another one; run it again.",
        MEMORY,
    ),
    known(
        r"Could not register .*function '(?P<function>[^']+)' due to implementation errors|"
        r"ClassNotFoundException: (?P<name>[\w.$]+)",
        "There is no class {name} on Flink's class path.",
        "Add its jar first: ADD JAR '/path/to.jar', or %stream local add GROUP:ARTIFACT:VERSION.",
        JAR,
    ),
)

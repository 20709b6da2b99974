"""Kafka's topics: list them, look into them, learn a table's columns from them, publish to them.

The library, confluent-kafka, is loaded when it is first needed.
"""

from streammagic.topics.broker import Broker
from streammagic.topics.ddl import table_ddl
from streammagic.topics.decode import Decoder
from streammagic.topics.infer import infer
from streammagic.topics.reading import count_committed, peek
from streammagic.topics.records import Group, Record, Topic
from streammagic.topics.registered import registered
from streammagic.topics.registry import Registry
from streammagic.topics.schema import TopicColumn, TopicSchema
from streammagic.topics.sending import send

__all__ = [
    "Broker",
    "Decoder",
    "Group",
    "Record",
    "Registry",
    "Topic",
    "TopicColumn",
    "TopicSchema",
    "count_committed",
    "infer",
    "peek",
    "registered",
    "send",
    "table_ddl",
]

"""LIST, DESCRIBE and EXPLAIN."""

from ksqldb import tiny_entities as entities
from ksqldb.tiny_data import Plan, Query, Session
from ksqldb.tiny_entities import told
from ksqldb.tiny_sql import KsqlError


class Questions:
    """The part of the engine that tells of what there is."""

    def _explain(self, statement, _):
        if statement.kind == "ID":
            query = next((one for one in self.persistent() if one.id == statement.name), None)
            if query is None:
                raise KsqlError(
                    f"Query with id:{statement.name} does not exist, use SHOW QUERIES to view the full set of queries."
                )
            description = entities.query_description(query, runs=True)
        else:
            inner, empty = statement.inner, Session({}, {})
            if inner.verb == "SELECT":
                source = self.source(inner.select.source)
                query = Query(self.new_transient(source.name), inner.text, Plan(inner.select, source), {})
            elif inner.verb == "INSERT" and inner.select:
                query = self._inserting(inner, empty)
            elif inner.select:
                made, query = self._made(inner, empty)
                self._check_free(inner, made, query)
            else:
                raise KsqlError("The provided statement does not run a ksql query")
            query.text = inner.text
            description = entities.query_description(query, runs=False)
        return [told("queryDescription", statement, queryDescription=description)]

    def _describe(self, statement, _):
        name, extended = statement.name, "EXTENDED" in statement.options
        if statement.kind == "FUNCTION":
            raise KsqlError(f"Can't find any functions with the name '{name}'", code=40000, generic=True)
        if statement.kind != "SOURCE":
            return self._described(statement, statement.kind[:-1], extended)
        if name not in self.sources:
            near = next((one for one in self.sources if one.upper() == name), None)
            hint = f'\nDid you mean "{near}"? Hint: wrap the source name in double quotes to make it case-sensitive.'
            raise KsqlError(f"Could not find STREAM/TABLE '{name}' in the Metastore{hint if near else ''}")
        description = entities.source_description(self.sources[name], self, extended)
        return [told("sourceDescription", statement, sourceDescription=description)]

    def _described(self, statement, kind, extended):
        found = [
            entities.source_description(source, self, extended)
            for source in self.sources.values()
            if source.kind == kind
        ]
        return [told("source_descriptions", statement, sourceDescriptions=found)]

    def _list(self, statement, session):
        what, extended = statement.kind, "EXTENDED" in statement.options
        if what in ("STREAMS", "TABLES"):
            if extended:
                return self._described(statement, what[:-1], extended)
            found = [entities.listed(one) for one in self.sources.values() if one.kind == what[:-1]]
            return [told(what.lower(), statement, **{what.lower(): found})]
        if what == "QUERIES" and extended:
            found = [entities.query_description(query, runs=True) for query in self.queries.values()]
            return [told("query_descriptions", statement, queryDescriptions=found)]
        if what == "QUERIES":
            found = [entities.running(query) for query in self.queries.values()]
            return [told("queries", statement, queries=found)]
        if what == "TOPICS":
            more = {"consumerCount": 0, "consumerGroupCount": 0} if extended else {}
            found = [
                {"name": name, "replicaInfo": [1] * topic.partitions} | more
                for name, topic in sorted(self.topics.items())
            ]
            return [told("kafka_topics_extended" if extended else "kafka_topics", statement, topics=found)]
        if what == "VARIABLES":
            found = [{"name": name, "value": value} for name, value in session.variables.items()]
            return [told("variables", statement, variables=found)]
        if what == "TYPES":
            return [told("type_list", statement, types={})]
        if what == "FUNCTIONS":
            found = [{"name": "UCASE", "type": "SCALAR", "category": "STRING"}]
            return [told("function_names", statement, functions=found)]
        found = {"auto.offset.reset": "latest", "ksql.streams.num.stream.threads": "4"} | session.properties
        properties = [
            {"name": name, "scope": "KSQL", "value": str(value), "editable": True, "level": "QUERY"}
            for name, value in found.items()
        ]
        overwritten = list(session.properties)
        return [
            told(
                "properties",
                statement,
                properties=properties,
                overwrittenProperties=overwritten,
                defaultProperties=[name for name in found if name not in overwritten],
            )
        ]

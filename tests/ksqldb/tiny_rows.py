"""The three formats of a query's answer, piece by piece as the real server sends them."""

from ksqldb.answers import DELIMITED, JSON, V1, to_json
from ksqldb.tiny_data import schema
from ksqldb.tiny_sql import Column


class V1Rows:
    """application/vnd.ksql.v1+json: an array, each element a line."""

    def head(self, query_id, columns):
        return "[" + to_json({"header": {"queryId": query_id, "schema": schema(columns)}}) + ",\n"

    def row(self, change):
        marked = {"tombstone": True} if change.tombstone else {}
        return to_json({"row": {"columns": change.columns} | marked}) + ",\n"

    def end(self, final):
        return [to_json({"finalMessage": final}), "]"]

    def error(self, error):
        return [to_json({"errorMessage": error}) + ",\n", "]"]

    def whole(self, query_id, columns, changes):
        """Return a pull query's answer, which comes in one piece and without a final message."""
        pieces = [self.head(query_id, columns), *map(self.row, changes)]
        return ["".join(pieces).removesuffix(",\n") + "]"]


class DelimitedRows:
    """application/vnd.ksqlapi.delimited.v1: a line each; tombstones are left out."""

    begin, before, after = "", "", "\n"

    def head(self, query_id, columns):
        names, types = [column.name for column in columns], [str(column.type) for column in columns]
        return (
            self.begin
            + to_json({"queryId": query_id, "columnNames": names, "columnTypes": types})
            + self.after
        )

    def row(self, change):
        return "" if change.tombstone else self.before + to_json(change.columns) + self.after

    def end(self, _):
        return []

    def error(self, error):
        return [self.before + to_json(error) + self.after, *self.end("")]

    def whole(self, query_id, columns, changes):
        return [self.head(query_id, columns), *map(self.row, changes), *self.end("")]


class JsonRows(DelimitedRows):
    """application/json of /query-stream: one array, the comma before each element."""

    begin, before, after = "[", ",", ""

    def end(self, _):
        return ["]"]


def unmarked(columns):
    """Return the columns of a push query, which marks no keys."""
    return [Column(column.name, column.type) for column in columns]


def format_of(accept, path):
    """Return the format that an Accept header asks for, None for none that there is."""
    if accept is None:
        return V1Rows() if path == "/query" else DelimitedRows()
    known = {V1: V1Rows, JSON: V1Rows if path == "/query" else JsonRows, DELIMITED: DelimitedRows}
    known["*/*"] = DelimitedRows
    wanted = []
    for one in accept.split(","):
        kind, _, parameters = one.strip().partition(";")
        quality = float(parameters.partition("q=")[2] or 1)
        wanted.append((-quality, len(wanted), known.get(kind.strip())))
    return next((made() for _, _, made in sorted(wanted, key=lambda one: one[:2]) if made), None)

"""Stand-in until the writers are there."""
class PlainWriter:
    def literal(self, value):
        return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    def text(self, value):
        return str(value)
    def identifier(self, name):
        return "`" + name.replace("`", "``") + "`"

"""The exceptions of a Java stack, read from its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXCEPTION = re.compile(
    r"^(?:Caused by: )?(?P<name>(?:[a-z]\w*\.)+[\w$]*(?:Exception|Error|Throwable|Failure)\w*)"
    r"(?:: (?P<message>.*))?$"
)


@dataclass(frozen=True, slots=True)
class JavaError:
    """One exception of a chain: its simple class name and its message, without stack lines."""

    name: str
    message: str


def chain(stack: str) -> list[JavaError]:
    """Read the exceptions of a stack, outermost first."""
    found: list[tuple[str, list[str]]] = []
    in_message = False
    for line in stack.splitlines():
        match = _EXCEPTION.match(line)
        if match:
            found.append((match["name"].rpartition(".")[2], [match["message"] or ""]))
            in_message = True
        elif line.startswith(("\tat ", "\t...", "End of exception")):
            in_message = False
        elif in_message and found:
            found[-1][1].append(line)
    return [JavaError(name, "\n".join(lines).strip()) for name, lines in found]

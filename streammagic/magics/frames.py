"""A DataFrame as the value of a magic that has just shown it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def shown_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame such that the cell which got it from a magic does not show it a second time.

    All that is made from it, and the frame itself from the second time on, is shown as any other.
    """
    import pandas as pd

    class Shown(pd.DataFrame):
        _metadata: list[str] = ["_quiet"]  # noqa: RUF012 - pandas' own protocol

        @property
        def _constructor(self) -> Any:
            return pd.DataFrame

        def _ipython_display_(self) -> None:
            if self.__dict__.pop("_quiet", False):
                return
            from IPython import display

            display.display(pd.DataFrame(self))  # type: ignore[no-untyped-call]

    made = Shown(frame)
    object.__setattr__(made, "_quiet", True)
    return made

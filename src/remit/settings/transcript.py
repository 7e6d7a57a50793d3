"""The `[transcript]` table of `remit.toml`: the roles whose pages name officers."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from remit.settings.decode import InvalidSetting, Table

NAMED_TO: Final[tuple[Literal["audit", "security"], ...]] = ("audit", "security")


class TranscriptTable(Table, frozen=True):
    """`[transcript]`."""

    officers_named_to: Annotated[
        tuple[Literal["audit", "security"], ...],
        Meta(max_length=2, description='a list of "audit" and "security", each once; [] names no officer'),
    ] = NAMED_TO

    def __post_init__(self) -> None:
        """Verify that no reader stands twice.

        Raises:
            InvalidSetting: `settings.invalid`.
        """
        if len(set(self.officers_named_to)) != len(self.officers_named_to):
            raise InvalidSetting("transcript.officers_named_to", "names a reader twice; remove one")

"""Whose accounts the columns of a list speak of: charts of the company's connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from erp_integrations.models import Connection
from wbs.account_lists import chart_of
from wbs.lists.choices import Choices
from wbs.lists.entries import AccountColumns
from wbs.lists.headings import EXPENSE, INCOME, connection_of, meaning_of
from wbs.lists.layout import Layout
from wbs.models import Segment

Pair = tuple[int | None, int | None]  # the columns of income and expense accounts


@dataclass(frozen=True)
class Books:
    """The account columns of a list, each with the chart of its connection."""

    columns: AccountColumns = ()
    labels: dict[int, str] = field(default_factory=dict)  # of all accounts of these charts
    chosen: int | None = None  # the connection of the columns that name none
    is_undecided: bool = False  # there are such columns, and several connections

    @property
    def places(self) -> list[int]:
        """Where these columns stand."""
        return [at for _, _, *pair in self.columns for at in pair if at is not None]

    @classmethod
    def of(cls, segment: Segment, layout: Layout, choices: Choices) -> Books:
        if not segment.goes_to_erp:
            return cls()
        connections = list(segment.company.connections.defer("credentials"))
        chosen = _chosen(connections, layout, choices)
        columns: dict[Connection | None, Pair] = {chosen: (layout.columns.get(INCOME), layout.columns.get(EXPENSE))}
        columns |= {each: _named(layout, each) for each in connections if each != chosen}
        wanted = {connection: pair for connection, pair in columns.items() if pair != (None, None)}
        charts = {connection: chart_of(connection) for connection in wanted if connection}
        return cls(
            [(connection.pk, chart, *wanted[connection]) for connection, chart in charts.items()],
            {account.pk: account.label for chart in charts.values() for account in chart.accounts},
            chosen.pk if chosen else None,
            is_undecided=None in wanted,
        )


def _chosen(connections: Sequence[Connection], layout: Layout, choices: Choices) -> Connection | None:
    """The connection that was chosen, else the one that the headings name, else the only one."""
    if found := next((each for each in connections if each.pk == choices.accounts_of), None):
        return found
    named = {
        connection_of(layout.titles[at]).casefold()
        for at in (layout.columns.get(INCOME), layout.columns.get(EXPENSE))
        if at is not None
    }
    if found := next((each for each in connections if each.name.casefold() in named), None):
        return found
    return connections[0] if len(connections) == 1 else None


def _named(layout: Layout, connection: Connection) -> Pair:
    """The columns whose headings name this connection."""
    found: dict[str, int] = {}
    for at, title in enumerate(layout.titles):
        if connection_of(title).casefold() == connection.name.casefold() and (meant := meaning_of(title)):
            found.setdefault(meant[0], at)
    return found.get(INCOME), found.get(EXPENSE)

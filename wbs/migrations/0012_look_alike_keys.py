"""The keys of codes fold everything that reads alike: other hyphens, blanks, quotes and widths, and what nobody sees.

Nothing is deleted or renamed. Of codes that read alike one gets the key, that which is spelled with plain signs or else
the oldest; the others keep what they had, and so does a code that would contain the delimiter. Such keys are found by
nobody who types the code with other signs; `wbs.rules.look_alikes` tells them. What lies below a code has its key in
front in any case: the tree is walked by that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import migrations

from core.bulk import PORTION, update_each
from wbs.codes import code_key, fold

TOLD = 20  # pairs that the log names; of more it tells how many

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    group: int  # its segment or project: keys are unique in there
    delimiter: str
    pk: int
    parent: int | None
    code: str  # of its tier
    full_code: str
    key: str


def renewed(rows: list[Row]) -> Iterator[tuple[int, str, str]]:
    """Of rows of one group, parents first and then by age: the ids whose key is another one, with the key.

    And those that keep theirs, with their code and that of which they read like in the third place.
    """
    if all(row.key == code_key(row.full_code) for row in rows):  # nearly always
        return
    before = {row.key: row.full_code for row in rows}
    after: dict[int, str] = {}
    given: dict[str, str] = {}
    for row in rows:
        above = after[row.parent] + row.delimiter if row.parent else ""
        tail, twin = code_key(row.code), ""
        is_cut = not tail or (row.delimiter and row.delimiter in tail)
        key = above + (fold(row.code) if is_cut else tail)
        if key != row.key and (twin := given.get(key) or before.get(key) or ""):
            key = above + fold(row.code)
        after[row.pk] = key
        given[key] = row.full_code
        if key != row.key or twin or is_cut:
            yield row.pk, key, f"{row.full_code} reads like {twin or code_key(row.full_code)}" * bool(twin or is_cut)


def renew(model: Any, column: str, rows: Iterable[Row]) -> list[str]:
    """Write the keys of a table, of which all rows are read; what was found, as sentences."""
    changes, found = [], []
    for _, group in groupby(rows, itemgetter(0)):
        for pk, key, sentence in renewed(list(group)):
            changes.append({"id": pk, column: key})
            if sentence:
                found.append(sentence)
    for start in range(0, len(changes), PORTION):
        update_each(model, changes[start : start + PORTION])
    return found


def renew_keys(apps: Any, schema_editor: Any) -> None:
    items, own = (apps.get_model("wbs", name) for name in ("SegmentItem", "OwnCode"))
    fields = ("segment", "segment__delimiter", "pk", "parent", "code", "full_code", "full_code_key")
    rows = items.objects.order_by("segment", "tier", "pk").values_list(*fields)
    found = renew(items, "full_code_key", map(Row._make, rows.iterator(PORTION)))
    rows = own.objects.order_by("project", "pk").values_list("project", "pk", "code", "code_key")
    own_rows = (Row(project, "", pk, None, code, code, key) for project, pk, code, key in rows.iterator(PORTION))
    found += renew(own, "code_key", own_rows)
    if found:
        more = f"; and {len(found) - TOLD:,} more" if len(found) > TOLD else ""
        logger.warning("Codes that read alike, left as they are: %s%s. See Rules.", "; ".join(found[:TOLD]), more)


class Migration(migrations.Migration):
    dependencies = [("wbs", "0011_import_plans")]

    operations = [migrations.RunPython(renew_keys, migrations.RunPython.noop)]

"""Codes that read alike are one code: where they are added, edited, imported, searched, and before a migration."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.models import CodeExport
from tests.factories import make_connection, make_export, make_hold, make_project, make_segment
from tests.wbs.lists.lists import checked, problems
from tests.wbs.test_migrations import Migrate, migrate
from wbs.errors import Refused
from wbs.models import Hold, OwnCode, Segment, SegmentItem, Status
from wbs.pages.tree import Tree
from wbs.rules import breaches, look_alikes

__all__ = ["migrate"]

pytestmark = pytest.mark.django_db

# Each reads like PLAIN.
ALIKE = {
    "case": "a-1 '2\"",
    "width": "Ａ-１ '２\"",
    "en dash": "A–1 '2\"",
    "non-breaking hyphen": "A‑1 '2\"",
    "minus": "A−1 '2\"",
    "full-width hyphen": "A－1 '2\"",
    "no-break blank": "A-1\u00a0'2\"",
    "thin and ideographic blanks": "A-1\u2009\u3000'2\"",
    "a run of blanks": "A-1   '2\"",
    "quotes": "A-1 ’2”",
}
PLAIN = "A-1 '2\""

each_kind = pytest.mark.parametrize("code", ALIKE.values(), ids=ALIKE)


@pytest.fixture
def segment() -> Segment:
    return make_segment(delimiter=".")


def add(segment: Segment, code: str, parent: SegmentItem | None = None) -> SegmentItem:
    return segment.add_item(code, "Concrete", parent, None)


@each_kind
def test_add_item_refuses_what_reads_like_a_code(segment: Segment, code: str) -> None:
    add(segment, PLAIN)

    with pytest.raises(Refused, match="exists already"):
        add(segment, code)


@each_kind
def test_an_edit_refuses_it_too(segment: Segment, code: str) -> None:
    add(segment, code)
    other = add(segment, "B")

    with pytest.raises(Refused, match="exists already"):
        other.change(PLAIN, "Concrete", None, 1, None)


@each_kind
def test_the_check_of_a_list_tells_it_as_in_the_list(segment: Segment, code: str) -> None:
    add(segment, PLAIN)
    cell = code.replace('"', '""')

    plan = checked(f'code,description\n"{cell}",Concrete\n', ".", segment.known_codes())

    assert plan.new == []
    assert [told.sentence for told in plan.unchanged] == [f"It is in the list already as {PLAIN}, as it stands here."]


@each_kind
def test_a_list_that_has_both_is_told(code: str) -> None:
    one, other = (each.replace('"', '""') for each in (PLAIN, code))

    found = problems(checked(f'code,description\n"{one}",Concrete\n"{other}",Steel\n', "."))

    assert found == {3: f"Row 2 has the same code, {PLAIN}."}


@each_kind
def test_search_finds_by_either_spelling(segment: Segment, code: str) -> None:
    item = add(segment, code)
    row = make_export(PLAIN, make_connection(segment.company))

    for text in (PLAIN, code):
        assert segment.items.matching(text).get() == item == row.item
        assert CodeExport.objects.matching(text).get() == row


@each_kind
def test_a_projects_own_code_is_refused_where_the_company_or_the_project_has_it(segment: Segment, code: str) -> None:
    project = make_project(company=segment.company)
    project.add_own_code(PLAIN, "Crane", None)
    add(segment, "B–1")

    with pytest.raises(Refused, match="exists already"):
        project.add_own_code(code, "Crane", None)
    with pytest.raises(Refused, match="is a code of the company"):
        project.add_own_code("B-1", "Crane", None)


def test_the_spelling_of_a_code_can_be_changed_with_what_lies_below(segment: Segment) -> None:
    top = add(segment, "A–1")
    below = add(segment, "x", top)

    top.change("A-1", "Concrete", None, 1, None)

    below.refresh_from_db()
    assert (below.full_code, below.full_code_key) == ("A-1.x", "a-1.x")


@pytest.mark.parametrize(
    ("code", "delimiter", "named"),
    [
        ("01–100", "-", "“–”"),
        ("01：1", ":", "“：”"),
        ("a\u00a0b", " ", "a blank of another kind (U+00A0)"),
        ("a．b", ".", "“．”"),
    ],
)
def test_a_tier_may_not_contain_what_reads_like_the_delimiter(code: str, delimiter: str, named: str) -> None:
    segment = make_segment(delimiter=delimiter)

    with pytest.raises(Refused, match="which reads like") as refused:
        add(segment, code)

    assert refused.value.sentence == (
        f"A code may not contain {named}, which reads like “{delimiter}”, which joins the tiers."
        " Choose its division under Parent."
    )
    assert 2 in problems(checked(f'code,description\n"{code}",x\n', delimiter))


def test_flat_codes_that_read_as_if_they_had_the_delimiter_cannot_be_joined_with_it() -> None:
    segment = make_segment(delimiter="")
    add(segment, "01–100")

    assert segment.why_not_joined("-")
    assert segment.why_not_joined(".") == ""


def test_a_long_run_of_blanks_below_leaves_room_for_the_code_itself(segment: Segment) -> None:
    top = add(segment, "A")
    second = add(segment, "b" + " " * 98 + "b", top)
    add(segment, "c" + " " * 98 + "c", second)

    with pytest.raises(Refused, match="more than 255"):
        top.change("A" + "x" * 60, "Concrete", None, 1, None)


# What was there before


def old_item(segment: Segment, code: str, parent: SegmentItem | None = None, **values: Any) -> SegmentItem:
    """As it was written before, or was left by the migration."""
    delimiter = segment.delimiter
    full, key = (
        (f"{parent.full_code}{delimiter}{code}", f"{parent.full_code_key}{delimiter}{code.casefold()}")
        if parent
        else (code, code.casefold())
    )
    return SegmentItem.objects.create(
        company=segment.company,
        segment=segment,
        parent=parent,
        code=code,
        full_code=full,
        full_code_key=key,
        sort_key=full,
        description="Steel",
        description_key="steel",
        tier=2 if parent else 1,
        **values,
    )


def test_rules_tell_codes_that_read_alike_and_those_that_would_be_cut(segment: Segment) -> None:
    books = make_connection(segment.company)
    add(segment, "A-1")
    add(segment, "für")
    old = old_item(segment, "A–1")
    old_item(segment, "C．D")
    old_item(segment, "B—1", is_active=False)
    add(segment, "B-1")
    make_hold(old, Hold.Lock.CODE, Status.SUCCESS, connection=books)

    found = {breach.code: breach.sentences for breach in breaches(books)}

    assert list(found) == ["A–1", "C．D"]
    assert found["A–1"][0].startswith("It reads like A-1 (“Concrete”)")
    assert "reads like “.”" in found["C．D"][0]


def test_they_take_the_same_queries_however_many_they_are(segment: Segment) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            look_alikes(segment)
        return len(captured)

    for number in range(3):
        add(segment, f"A-{number}")
        old_item(segment, f"A–{number}")
        if not number:
            before = queries()

    assert (len(look_alikes(segment)), queries()) == (3, before)


def test_both_stay_usable(segment: Segment) -> None:
    plain = add(segment, "A-1")
    old = old_item(segment, "A–1")
    ours, theirs = add(segment, "x", old), add(segment, "x", plain)

    changed = old.change("A–1", "Other", None, 1, None)

    assert (changed.description, changed.full_code_key) == ("Other", "a–1")
    assert [list(each.below()) for each in (old, plain)] == [[ours], [theirs]]
    assert set(segment.items.matching("A–1")) == {plain, old, ours, theirs}
    assert set(segment.items.unfolded(is_all=False, exceptions=[old.pk])) == {plain, theirs, old}
    second = Tree(segment, size=1, number=list(segment.items.all()).index(ours) + 1)
    assert ([row.item for row in second.rows], second.continued) == ([ours], [old])


def test_an_import_changes_the_one_that_is_spelled_so(segment: Segment) -> None:
    add(segment, "A-1")
    old = old_item(segment, "A–1")

    plan = checked("code,description\nA–1,New\nA-1,Concrete\n", ".", segment.known_codes(), existing="update")

    assert [change.pk for change in plan.changes] == [old.pk]
    assert [told.code for told in plan.unchanged] == ["A-1"]


# The migration

BEFORE = [("wbs", "0011_import_plans"), ("exports", "0019_default_accounts_move")]
AFTER = [("wbs", "0012_look_alike_keys"), ("exports", "0020_look_alike_keys")]


class Past:
    """Data of the schema before, with the keys of then."""

    def __init__(self, apps: Any) -> None:
        self.apps = apps
        self.company = self.make("companies.Company", name="Sample", slug="sample")
        self.segment = self.make(
            "wbs.Segment", company=self.company, name="Cost Code", slug="cost-codes", delimiter="-"
        )
        self.made: dict[str, Any] = {}

    def make(self, model: str, **values: Any) -> Any:
        return self.apps.get_model(model).objects.create(**values)

    def item(self, code: str, parent: str = "") -> None:
        full = f"{parent}-{code}" if parent else code
        values = {"full_code": full, "full_code_key": full.casefold(), "sort_key": full, "description": "x"}
        above = self.made.get(parent)
        values |= {"description_key": "x", "tier": above.tier + 1 if above else 1, "parent": above}
        self.made[full] = self.make("wbs.SegmentItem", company=self.company, segment=self.segment, code=code, **values)

    def export(self, full: str, erp: Any, code: str = "") -> None:
        item = self.made[full]
        sent = {"code": code or full, "code_key": (code or full).casefold(), "reference": full}
        sent |= {name: getattr(item, name) for name in ("description", "description_key", "sort_key")}
        self.make("exports.CodeExport", company=self.company, connection=erp, item=item, item_version=1, **sent)


def test_keys_are_renewed_and_what_collides_is_told_and_kept(migrate: Migrate, caplog: Any) -> None:
    past = Past(migrate(*BEFORE))
    for code in ("10", "A\u00a0 B", "01–100", "Ｃ", "C", "E ’", "E ‘"):
        past.item(code)
    past.item("1\u2009x", "A\u00a0 B")
    past.item("1 x", "Ｃ")
    past.item("1\u3000x", "Ｃ")
    past.item("5", "C")
    erp = past.make("erp_integrations.Connection", company=past.company, erp="practice", name="P", slug="p")
    for full in ("10", "Ｃ", "A\u00a0 B"):
        past.export(full, erp)
    past.export("E ’", erp, code="sent  as")
    project = past.make("wbs.Project", company=past.company, number="1", name="x", number_key="1", search_key="1 x")
    for code in ("O—1", "O–1", "P  1"):
        past.make("wbs.OwnCode", project=project, code=code, code_key=code.casefold(), description="x", sort_key="x")

    with caplog.at_level(logging.WARNING):
        migrate(*AFTER)

    keys = {
        "10": "10",
        "A\u00a0 B": "a b",
        "A\u00a0 B-1\u2009x": "a b-1 x",
        "01–100": "01–100",  # else it would lie below 01
        "Ｃ": "ｃ",  # the plain one has the key, though it is the younger
        "Ｃ-1 x": "ｃ-1 x",
        "Ｃ-1\u3000x": "ｃ-1\u3000x",
        "C": "c",
        "C-5": "c-5",
        "E ’": "e '",
        "E ‘": "e ‘",
    }
    assert dict(SegmentItem.objects.values_list("full_code", "full_code_key")) == keys
    assert dict(CodeExport.objects.values_list("code", "code_key")) == {
        **{code: keys[code] for code in ("10", "Ｃ", "A\u00a0 B")},
        "sent  as": "sent as",
    }
    own = dict(OwnCode.objects.values_list("code", "code_key"))
    assert own == {"O—1": "o-1", "O–1": "o–1", "P  1": "p 1"}
    for sentence in ("01–100 reads like 01-100", "Ｃ reads like C", "E ‘ reads like E ’", "O–1 reads like O—1"):
        assert sentence in caplog.text

    migrate(*BEFORE)
    migrate(*AFTER)
    assert dict(SegmentItem.objects.values_list("full_code", "full_code_key")) == keys, "the other way and again"

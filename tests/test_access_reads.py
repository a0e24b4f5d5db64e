"""What is read: no answer to anyone of ours tells a word of another company, and the sweep would notice if one did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests import guards
from tests.access import World, make_browser, make_worlds
from tests.canaries import (
    CANARY,
    Answer,
    Question,
    ask_undone,
    bait,
    complete,
    models_of_a_company,
    plant,
    questions,
    texts_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1200), pytest.mark.either]
AT_MOST = 12  # questions for a guard that is gone
ANSWERS, HISTORY = "exports.views.responses.", "exports.views.history."
# One filters what the other has filtered already.
TOGETHER = [(f"{ANSWERS}moved_rows", f"{ANSWERS}_rows"), (HISTORY + "batch", HISTORY + "_codes")]
NAMED = [
    "companies.access._members",
    "companies.views._members_page",
    "erp_integrations.views._connections",
    "erp_integrations.views.gl_accounts",
    "exports.pages.listing.Listing.of",
    "exports.services.selection.rows_of",
    "exports.views.history.history",
    f"{ANSWERS}moved_rows",
    "wbs.views.projects.project_of",
    "wbs.views.projects.projects",
]
UNMISSED = {
    "No address calls it: workers, mails and the Web Connector do, whose tests have two companies of their own.": """
        companies.mail._is_wanted companies.members.add_member erp_integrations.questions._connect
        erp_integrations.questions.if_still_allowed exports.answering._compare exports.answering._member
        exports.services.link._link_later exports.services.link._read_again
        exports.queue.transitions._set_apart_doubles exports.queue.portions.clear exports.services.erp_items._keep
        exports.services.erp_items.read_due_items exports.services.erp_items.read_items exports.queue.recovery._in_doubt
        exports.queue.recovery.set_free exports.queue.portions.with_work
        exports.queue.sweeper.sweep exports.queue.standing.standing_sql
        exports.queue.standing._give_back exports.queue.standing.give_back
        exports.services.notifications._summarise exports.services.notifications._what_waits
        exports.services.update._wrote
        exports.views.responses.changed_rows
        exports.web_connector.models.Access.admits exports.web_connector.models.PollQuerySet.of_ticket
        exports.web_connector.sessions.Session.open_message exports.web_connector.sessions.Session.rows
        exports.web_connector.handing_out._export exports.web_connector.handing_out._ripe
        exports.web_connector.sessions.has_work
        exports.web_connector.answers._percent
        exports.web_connector.sessions.begin exports.web_connector.sessions.finish
        exports.web_connector.sessions.note_unreadable wbs.account_lists.chart_of
        wbs.models.segments.Segment._parents_of
        wbs.models.segments.Segment.add_codes wbs.models.segments.Segment.delete_items
        wbs.models.segments.Segment.why_not_joined wbs.pages.project_segments.Offer.count""",
    "It counts, or asks whether there is any: numbers could be wrong, no word is told.": """
        companies.members.has_other_admin companies.views._done erp_integrations.forms.NameForm.__init__
        erp_integrations.views.connections erp_integrations.views.supported
        exports.pages.counts._counted_of exports.pages.counts._of_connection
        exports.services.clicks.click exports.pages.counts.Progress.read exports.pages.comparison._accounts_there
        wbs.models.segments.Segment.known_codes
        wbs.pages.project_segments.CostTypes.count wbs.pages.tree.Tree.matching_count
        wbs.pages.tree.Tree.newest wbs.views.missing.missing_codes""",
    "It looks for what this person asked: whose it is keeps companies apart.": "erp_integrations.views.asked_before",
    "What it filters was found below the company before, by a guard that is missed.": """
        companies.mail.withdraw erp_integrations.models.connections.Connection.keep_gl_accounts
        exports.defaults.Defaults._usable_accounts exports.services.link._taken exports.services.clicks._of_export
        exports.services.clicks.hold_versions exports.services.clicks.tell exports.services.review.set_reason
        exports.services.send._send_again exports.services.sendable.Sendable._on_their_way
        exports.views.code._not_saved exports.views.code.export_update
        wbs.models.default_accounts._changes wbs.models.default_accounts._words
        wbs.models.imports._change wbs.models.imports._keep_accounts wbs.models.imports._refuse_used
        wbs.models.imports._wanted_accounts wbs.models.imports._write wbs.models.imports.hold_connections
        wbs.models.imports.take_back wbs.models.imports.why_outdated wbs.models.segments.Segment.newest_item
        wbs.models.items.SegmentItem._checked_parent
        wbs.models.projects.Project.add_own_code wbs.models.projects.Project.remove_own_code
        wbs.models.segments.Segment.remove""",
    "Nothing here asks so that it would show yet: twins of codes and numbers, rules, later pages, delimiters.": """
        exports.queue.ownership._delimiter exports.pages.listing.Page._before exports.pages.listing.Page._behind
        exports.services.review.assign_accounts exports.services.selection._accounts_in_trouble
        wbs.pages.code_picker.division_of wbs.models.budget_codes.BudgetCode.example
        wbs.models.budget_codes.BudgetCode.of
        wbs.models.items.SegmentItem.change wbs.models.items.SegmentItem.place wbs.models.projects.Project.change
        wbs.account_columns.Books.of
        wbs.rules.Rules.of wbs.rules.breaches wbs.rules.look_alikes
        wbs.pages.tree.Tree._item wbs.pages.tree.Tree.continued
        wbs.views.items.meant_ids""",
}


class Swept:
    """Every question, and what is answered to it."""

    def __init__(self, ours: World, theirs: World, dora: Client) -> None:
        self.ours, self.theirs, self.dora = ours, theirs, dora  # she may do everything in ours
        self.asked = list(questions(ours, theirs))

    @cached_property
    def answers(self) -> list[Answer]:
        return [self.ask(question) for question in self.asked]

    def ask(self, question: Question) -> Answer:
        return ask_undone(question, self.dora, self.theirs)

    @cached_property
    def called(self) -> dict[str, list[int]]:
        """By the name of a guarded function, the numbers of the questions that call it."""
        called: dict[str, list[int]] = {}
        with ExitStack() as noting:
            for guard in guards.guarded():
                noting.enter_context(guard.changed(guard.note))
            for number, question in enumerate(self.asked):
                guards.hits.clear()
                guards.forget()
                self.ask(question)
                for name in guards.hits:
                    called.setdefault(name, []).append(number)
        return called


@pytest.fixture(scope="module")
def swept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Swept]:
    """Once for all tests, the answers with the first that wants them."""
    with django_db_blocker.unblock(), transaction.atomic():
        ours, theirs = make_worlds()
        for world in (ours, theirs):
            complete(world)
        plant(theirs, ours)
        bait(ours, theirs)
        yield Swept(ours, theirs, make_browser("dora"))
        transaction.set_rollback(True)


def test_every_text_of_theirs_holds_the_word(swept: Swept) -> None:
    without = [
        f"{model.__name__}.{field.name}"
        for model, lookup in models_of_a_company().items()
        for field in texts_of(model)
        if not any(
            CANARY in str(value)
            for value in model._default_manager.filter(**{lookup: swept.theirs.company.pk}).values_list(
                field.name, flat=True
            )
        )
    ]

    assert without == []


def test_no_answer_tells_it(swept: Swept) -> None:
    leaks = [question for question, answer in zip(swept.asked, swept.answers, strict=True) if answer.has_leaked]

    assert leaks == []


def falls(swept: Swept, name: str) -> str:
    """How the sweep notices that the guard is gone; empty if it does not."""
    for number in telling(swept, name):
        question = swept.asked[number]
        try:
            answer = swept.ask(question)
        except Exception as error:
            return f"{type(error).__name__} at {question.name}"
        if answer.has_changed_theirs:
            return f"changes theirs at {question.name}"
        if answer.has_leaked:
            return f"leaks at {question.name}"
        if question.is_foreign and answer.status != swept.answers[number].status:
            return f"{answer.status} at {question.name}"
    return ""


def telling(swept: Swept, name: str) -> list[int]:
    """The questions that call it, those first that ask for what is theirs; of each address and method one of a kind."""
    called = sorted(swept.called.get(name, []), key=lambda number: not swept.asked[number].reaches_out)
    kinds = {swept.asked[number].kind: number for number in reversed(called)}
    return list(reversed(kinds.values()))[:AT_MOST]


@pytest.mark.slow
def test_each_guard_is_missed(swept: Swept) -> None:
    """Where this fails with a new guard: ask for what it keeps apart (`tests.canaries`), or say why not (UNMISSED)."""
    every, _ = {guard.name: guard for guard in guards.guarded()}, (swept.answers, swept.called)
    unmissed = set()
    for names in [*((name,) for name in every), *TOGETHER]:
        with ExitStack() as gone:
            for name in names:
                gone.enter_context(every[name].changed(guards.unguard))
            is_missed = bool(falls(swept, names[0]))
        unmissed = unmissed - set(names) if is_missed else unmissed | set(names)

    listed = {name for names in UNMISSED.values() for name in names.split()}
    assert unmissed <= listed, f"Nobody misses {' '.join(sorted(unmissed - listed))}"
    assert listed <= unmissed, f"Are missed by now, or gone: {' '.join(sorted(listed - unmissed))}"


def test_the_guards_that_everything_hangs_on_are_among_them() -> None:
    assert set(NAMED) <= {guard.name for guard in guards.guarded()}
    assert set(NAMED) & {name for names in UNMISSED.values() for name in names.split()} == set()

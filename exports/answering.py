"""What pages ask an ERP about its items, answered by a worker: compare with what it holds, link its items."""

from __future__ import annotations

from companies.models import Member, MemberQuerySet
from erp_integrations.errors import UncertainError
from erp_integrations.models import Connection, Question
from erp_integrations.questions import Act, Answer, if_still_allowed
from exports import services
from exports.matching import lost_items
from exports.pages import words


def _compare(question: Question) -> Answer:
    connection = _connection(question)
    if problem := services.read_items(connection, _member(question)):
        return Answer(f"The items could not be read. {problem}", is_good=False)
    lost = lost_items(connection).count()
    told = f" {lost:,} of them {'carries a reference' if lost == 1 else 'carry references'} that no cost code here has."
    return Answer(f"{connection.remote_items.count():,} items read from {connection}.{told if lost else ''}")


def _link(question: Question) -> Answer:
    """`options`: by export the remote id that was seen, and what its item is linked despite."""
    member = _member(question)
    if member is None:
        raise UncertainError("Nobody links by schedule.")
    seen, despite = ({int(pk): text for pk, text in question.options[name].items()} for name in ("seen", "despite"))
    result = services.link_codes(member, _connection(question), seen, despite)
    is_whole = bool(result.count) and not result.problems and not words.stayed(result)
    return Answer(words.did("Linked", result), is_whole)


def _connection(question: Question) -> Connection:
    assert question.connection is not None  # noqa: S101
    return question.connection


def _member(question: Question) -> Member | None:
    members = Member.objects.select_related("company", "user")
    return members.filter(company=question.company_id, user=question.asker_id).first()


def _approvers() -> MemberQuerySet:
    return Member.objects.approvers()


ACTS: dict[str, Act] = {
    Question.Kind.COMPARE: if_still_allowed(_approvers, _compare),
    Question.Kind.LINK: if_still_allowed(_approvers, _link),
}

"""The buttons of the cost codes page that move codes: "Send to ERP" and "Recall". The page pops `send_problems`."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from companies.access import MemberRequest, admin
from erp_integrations.models import Connection
from exports import services
from exports.forms import read_ids
from exports.pages import words
from exports.services import Result
from wbs.views.items import back_to_tree


@require_POST
@admin
def send(request: MemberRequest) -> HttpResponse:
    """Send the ticked codes to the connection chosen (the only one, if there is one); without ticks all that may go."""
    connection = _chosen(request)
    if connection is None:
        messages.error(request, "Choose the connection to send to.")
    else:
        ticked = request.POST.getlist("item")
        ids = read_ids(ticked) if ticked else None
        result = services.send_codes(request.member, connection, ids)
        _tell(request, result, words.sent(result, connection.name))
    return back_to_tree(request)


@require_POST
@admin
def recall(request: MemberRequest) -> HttpResponse:
    ids = read_ids(request.POST.getlist("item"))
    if ids:
        result = services.recall_codes(request.member, ids)
        _tell(request, result, words.recalled(result))
    else:
        messages.error(request, "Tick the cost codes to recall.")
    return back_to_tree(request)


def _chosen(request: MemberRequest) -> Connection | None:
    connections = request.member.company.connections.all()
    if ids := read_ids(request.POST.getlist("connection")):
        return connections.filter(pk=ids[0]).first()
    return connections[0] if len(connections) == 1 else None


def _tell(request: MemberRequest, result: Result, sentence: str) -> None:
    level = messages.SUCCESS if result.count and not result.problems else messages.WARNING
    messages.add_message(request, level, sentence)
    if result.problems:
        request.session["send_problems"] = [(p.id, p.code, p.sentence) for p in result.problems]

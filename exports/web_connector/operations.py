"""The eleven operations of the Web Connector, each answered with a value of the protocol, whatever happened."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping

from companies.sign_in import Attempt
from erp_integrations.models import Connection
from exports.queue import Lost
from exports.web_connector import answers, handing_out, sessions
from exports.web_connector.models import Access
from exports.web_connector.soap import Call

Answer = str | int | list[str]

NO_WORK, INVALID_USER, BUSY, OPEN_FILE = "none", "nvu", "busy", ""
STOP = "done"  # to connectionError: do not try another company file
NO_TICKET = "This ticket is no longer good. Run the Web Connector again."

logger = logging.getLogger(__name__)


def perform(call: Call, connection: Connection, network: str) -> Answer:
    """`network` is where the call comes from, for the throttle of sign-ins."""
    if call.operation == "authenticate":
        return _authenticate(connection, network, call.arguments["strUserName"], call.arguments["strPassword"])
    return OPERATIONS[call.operation](connection, call.arguments)


def _authenticate(connection: Connection, network: str, username: str, password: str) -> Answer:
    attempt = Attempt.of_connector(connection.guid, network)
    nobody = secrets.token_urlsafe(16)  # the connector wants a ticket even when there is nothing to do
    if attempt.wait.total_seconds() > 0:
        return [nobody, BUSY]
    if not Access.admits(connection, username, password):
        logger.warning("A Web Connector was refused at connection %s from %s", connection.guid, network)
        return [nobody, INVALID_USER]
    attempt.succeed()
    ticket = sessions.begin(connection)
    return [ticket, OPEN_FILE] if ticket else [nobody, NO_WORK]


def _send_request(connection: Connection, told: Mapping[str, str]) -> Answer:
    try:
        return handing_out.next_message(sessions.resume(connection.guid, told["ticket"]), told["strHCPResponse"])
    except Lost:
        return ""


def _receive_response(connection: Connection, told: Mapping[str, str]) -> Answer:
    try:
        session = sessions.resume(connection.guid, told["ticket"])
        failure = sessions.failure(session, told["hresult"], told["message"])
        return answers.take_answer(session, told["response"], failure)
    except Lost:
        return sessions.percent_told(connection.guid, told["ticket"])


def _connection_error(connection: Connection, told: Mapping[str, str]) -> Answer:
    try:
        session = sessions.resume(connection.guid, told["ticket"])
        if error := sessions.failure(session, told["hresult"] or "unknown", told["message"]):
            sessions.stop(session, error)
    except Lost:
        pass
    return STOP


def _last_error(connection: Connection, told: Mapping[str, str]) -> Answer:
    return sessions.last_error(connection.guid, told["ticket"]) or NO_TICKET


OPERATIONS: dict[str, Callable[[Connection, Mapping[str, str]], Answer]] = {
    "serverVersion": lambda connection, told: "Tieback",
    "clientVersion": lambda connection, told: "",  # any version will do
    "sendRequestXML": _send_request,
    "receiveResponseXML": _receive_response,
    "connectionError": _connection_error,
    "getLastError": _last_error,
    "closeConnection": lambda connection, told: answers.close(connection.guid, told["ticket"]),
    "getInteractiveURL": lambda connection, told: "",  # there is nothing to do by hand
    "interactiveDone": lambda connection, told: "Done",
    "interactiveRejected": lambda connection, told: "",
}

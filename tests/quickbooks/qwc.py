"""Adding an application to the Web Connector by its .qwc file, as an administrator does once."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from tests.quickbooks.company import QuickBooks

REQUIRED = ("AppName", "AppID", "AppURL", "AppDescription", "AppSupport", "UserName", "OwnerID", "FileID", "QBType")
MAY_BE_EMPTY = ("AppID",)
OPTIONAL = (
    "Scheduler",
    "AuthFlags",
    "IsReadOnly",
    "UnattendedModePref",
    "PersonalDataPref",
    "Notify",
    "AppDisplayName",
    "AppUniqueName",
    "Style",
    "CertURL",
)
VALUES = {
    "QBType": "QBFS",
    "AuthFlags": "0x[0-9A-Fa-f]+",
    "IsReadOnly": "false",  # true would forbid us to write
    "UnattendedModePref": "umpRequired|umpOptional",
    "PersonalDataPref": "pdpNotNeeded|pdpOptional|pdpRequired",
    "Notify": "true|false",
    "Style": "Document",
}
GUID = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
LONGEST_DESCRIPTION = 80


class NotAdded(Exception):
    """The Web Connector's message box."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


@dataclass(frozen=True)
class Application:
    name: str
    url: str
    support_url: str
    username: str
    owner_id: str
    file_id: str
    every_s: int | None  # of the scheduler


def add_application(qwc: bytes, quickbooks: QuickBooks) -> Application:
    """Stamps the company file that is open. Raises NotAdded."""
    fields = read(qwc)
    check_values(fields)
    check_hosts(fields["AppURL"], fields["AppSupport"])
    owner_id, file_id = fields["OwnerID"], fields["FileID"]
    if quickbooks.stamps.get(owner_id, file_id) != file_id:
        raise NotAdded("QBWC1039", "This company file has another FileID of this OwnerID already.")
    quickbooks.stamp(owner_id, file_id)
    return Application(
        name=fields["AppName"],
        url=fields["AppURL"],
        support_url=fields["AppSupport"],
        username=fields["UserName"],
        owner_id=owner_id,
        file_id=file_id,
        every_s=interval_s(fields.get("Scheduler")),
    )


def read(qwc: bytes) -> dict[str, str]:
    if not qwc.startswith(b"<?xml "):
        raise NotAdded("QBWC1039", "The file does not start with its declaration.")
    try:
        root = etree.fromstring(qwc, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise NotAdded("QBWC1039", str(error)) from error
    tags = [each.tag for each in root]
    unknown = [tag for tag in tags if tag not in REQUIRED + OPTIONAL]
    missing = [tag for tag in REQUIRED if tag not in tags]
    if root.tag != "QBWCXML" or unknown or missing or len(tags) != len(set(tags)):
        raise NotAdded("QBWC1039", f"Unknown {unknown}, missing {missing} in {root.tag}.")
    return {each.tag: scheduled(each) if each.tag == "Scheduler" else each.text or "" for each in root}


def scheduled(scheduler: etree._Element) -> str:
    """`RunEveryNMinutes 5`; the first one wins."""
    first = next(iter(scheduler), None)
    if first is None or first.tag not in ("RunEveryNMinutes", "RunEveryNSeconds") or not (first.text or "").isdecimal():
        raise NotAdded("QBWC1039", "The scheduler says no minutes or seconds.")
    return f"{first.tag} {first.text}"


def interval_s(scheduled: str | None) -> int | None:
    if scheduled is None:
        return None
    unit, number = scheduled.split()
    return int(number) * (60 if unit == "RunEveryNMinutes" else 1)


def check_values(fields: dict[str, str]) -> None:
    for tag, text in fields.items():
        if not text.strip() and tag not in MAY_BE_EMPTY:
            raise NotAdded("QBWC1039", f"{tag} is empty.")
        if tag in ("OwnerID", "FileID") and not GUID.fullmatch(text):
            raise NotAdded("QBWC1039", f"{tag} is {text}, no GUID in braces.")
        if tag in VALUES and not re.fullmatch(VALUES[tag], text):
            raise NotAdded("QBWC1039", f"{tag} is {text}.")
    if len(fields["AppDescription"]) > LONGEST_DESCRIPTION:
        raise NotAdded("QBWC1039", "The description is too long to be shown.")


def check_hosts(url: str, support_url: str) -> None:
    application, support = urlsplit(url), urlsplit(support_url)
    if is_address(application.hostname):
        raise NotAdded("QBWC1001", "AppURL has an address for a host.")
    if is_address(support.hostname):
        raise NotAdded("QBWC1002", "AppSupport has an address for a host.")
    if application.hostname != support.hostname:
        raise NotAdded("QBWC1000", "AppURL and AppSupport have different hosts.")
    if application.scheme != "https" and application.hostname != "localhost":
        raise NotAdded("QBWC1010", "AppURL is not https.")


def is_address(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True

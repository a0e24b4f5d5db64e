"""The .qwc file, which introduces our service to a Web Connector, and whether this site's address will do for it.

Source: Intuit's Web Connector Programmer's Guide, chapter 4. FileID is made once per connection and never again (it is
the connection's own guid), OwnerID is one for the application for ever.
"""

from __future__ import annotations

import ipaddress
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from lxml import etree

from erp_integrations.models import Connection
from erp_integrations.pull import PullAdapter
from exports.web_connector.models import username_of

LOOPBACK = "localhost"
EVERY_MIN = 5


def address_problem() -> str:
    """Why no Web Connector can reach this site by SITE_URL, as a sentence; empty when it can."""
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    if _is_address(host):
        return f"The Web Connector refuses addresses such as {host}. Set SITE_URL to a host name."
    if site.scheme != "https" and host != LOOPBACK:
        return f"The Web Connector needs https, and SITE_URL is {settings.SITE_URL}. Set it to an https address."
    return ""


def address_of(connection: Connection, page: str = "web_connector:endpoint") -> str:
    return settings.SITE_URL + reverse(page, args=[connection.guid])


def file_for(connection: Connection) -> bytes:
    """The file's content; the password is not in it."""
    adapter = cast(type[PullAdapter], connection.adapter_class)
    name = f"Tieback - {connection.company.name} - {connection.name}"
    values = {
        "AppName": name,
        "AppID": "",
        "AppURL": address_of(connection),
        "AppDescription": "Carries cost codes into QuickBooks as Service items"[:80],
        "AppSupport": address_of(connection, "web_connector:support"),
        "UserName": username_of(connection),
        "OwnerID": f"{{{adapter.owner_id}}}",
        "FileID": f"{{{connection.guid}}}",
        "QBType": "QBFS",
        "IsReadOnly": "false",
    }
    root = etree.Element("QBWCXML")
    for element, text in values.items():
        etree.SubElement(root, element).text = text
    schedule = etree.SubElement(root, "Scheduler")
    etree.SubElement(schedule, "RunEveryNMinutes").text = str(EVERY_MIN)
    etree.indent(root)
    return b'<?xml version="1.0"?>\n' + etree.tostring(root, encoding="us-ascii", xml_declaration=False)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

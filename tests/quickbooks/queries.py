"""Which elements of a list a query asks for, and how much of them it gets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from lxml import etree

from tests.quickbooks import answers
from tests.quickbooks.lists import Element, by_id, by_name
from tests.quickbooks.rules import Refused

LIST_ID = re.compile(r"[0-9A-F]+-\d+")
NOTHING = "A query request did not find a matching object in QuickBooks"


@dataclass
class Iterators:
    """Of one session; the next one knows none of them."""

    open: dict[str, list[Any]] = field(default_factory=dict)

    def advance(self, request: etree._Element, found: Iterator[Any]) -> tuple[list[Any], dict[str, str]]:
        """The next few, and what the response says of the rest."""
        step, iterator_id = request.get("iterator"), request.get("iteratorID", "")
        if step == "Start":
            iterator_id = f"{{{uuid.uuid4()}}}"
            self.open[iterator_id] = list(found)
        elif iterator_id not in self.open:
            raise Refused(3120, f'The iterator "{iterator_id}" cannot be found in this session.')
        rest = self.open.pop(iterator_id)
        if step == "Stop":
            return [], {}
        few = int(request.findtext("MaxReturned") or len(rest))
        if rest[few:]:
            self.open[iterator_id] = rest[few:]
        return rest[:few], {"iteratorRemainingCount": str(len(rest[few:])), "iteratorID": iterator_id}


def answer(
    request: etree._Element, elements: list[Any], write: Any, iterators: Iterators, zone: tzinfo
) -> etree._Element:
    asked = request.findall("ListID") or request.findall("FullName")
    attributes: dict[str, str] = {}
    if asked:
        found, status, message = named(elements, asked)
    else:
        found, attributes = filtered(request, elements, iterators, zone)
        status, message = (0, "Status OK") if found or request.get("iterator") else (1, NOTHING)
    if request.get("metaData", "NoMetaData") != "NoMetaData":  # recorded answers count only for those who ask
        attributes["retCount"] = str(len(found))
    result = answers.response(request, status, message, **attributes)
    if request.get("metaData") != "MetaDataOnly":
        result.extend(only_asked(request, write(each)) for each in found)
    return result


def named(elements: list[Any], asked: list[etree._Element]) -> tuple[list[Any], int, str]:
    find = by_id if asked[0].tag == "ListID" else by_name
    for each in asked:
        if each.tag == "ListID" and not LIST_ID.fullmatch(each.text or ""):
            raise Refused(3000, f'The given object ID "{each.text}" in the field "list id" is invalid.')
    pairs = [(each.text or "", find(elements, each.text or "")) for each in asked]
    found, missing = [each for _, each in pairs if each], [text for text, each in pairs if not each]
    if not missing:
        return found, 0, "Status OK"
    if not found and asked[0].tag == "ListID":
        raise Refused(3120, f'Object "{missing[0]}" specified in the request cannot be found.')
    sentence = "The query request has not been fully completed. There was a required element"
    return found, 500, f'{sentence} ("{missing[0]}") that could not be found in QuickBooks.'


def filtered(
    request: etree._Element, elements: list[Any], iterators: Iterators, zone: tzinfo
) -> tuple[list[Any], dict[str, str]]:
    found = (each for each in elements if passes(request, each, zone))
    if request.get("iterator"):
        return iterators.advance(request, found)
    most = request.findtext("MaxReturned")
    return list(found)[: int(most) if most else None], {}


def passes(request: etree._Element, each: Element, zone: tzinfo) -> bool:
    types = [found.text for found in request.findall("AccountType")]
    return (
        has_status(each, request.findtext("ActiveStatus") or "ActiveOnly")
        and was_modified(each, request.findtext("FromModifiedDate"), request.findtext("ToModifiedDate"), zone)
        and is_named_so(each, request)
        and (not types or each.type in types)
    )


def has_status(each: Element, status: str) -> bool:
    return status == "All" or each.is_active == (status == "ActiveOnly")


def was_modified(each: Element, start: str | None, end: str | None, zone: tzinfo) -> bool:
    if start and each.modified < moment(start, zone):
        return False
    whole_day = timedelta(days=1) if end and len(end) == len("2026-01-31") else timedelta()
    return not end or each.modified <= moment(end, zone) + whole_day


def moment(text: str, zone: tzinfo) -> datetime:
    """Without an offset it is QuickBooks' own time."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=zone)


def is_named_so(each: Element, request: etree._Element) -> bool:
    name, like = each.full_name.lower(), request.find("NameFilter")
    if like is not None:
        test = {"StartsWith": name.startswith, "EndsWith": name.endswith, "Contains": name.__contains__}
        return test[like.findtext("MatchCriterion")]((like.findtext("Name") or "").lower())
    start, end = request.findtext("NameRangeFilter/FromName"), request.findtext("NameRangeFilter/ToName")
    return (not start or name >= start.lower()) and (not end or name <= end.lower())


def only_asked(request: etree._Element, ret: etree._Element) -> etree._Element:
    wanted = [each.text for each in request.findall("IncludeRetElement")]
    for child in list(ret) if wanted else []:
        if child.tag not in wanted:
            ret.remove(child)
    return ret

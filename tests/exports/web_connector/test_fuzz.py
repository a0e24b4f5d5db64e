"""Whatever arrives as a call: it is one, or BadCall says why not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.web_connector import soap
from tests.quickbooks.mutations import mutations
from tests.quickbooks.transports import OPERATIONS, RawTransport, over_http

pytestmark = pytest.mark.once

RAW = RawTransport("", over_http, is_rpc_encoded=True)
ENVELOPES = [
    RAW.envelope(name, tuple(1 if kind == "int" else "<a>é</a>" for _, kind in arguments)).decode()
    for name, arguments in OPERATIONS.items()
]


@given(
    mutations(*ENVELOPES).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | mutations(*ENVELOPES).map(lambda text: text.encode("utf-16", "surrogatepass"))
    | st.binary(max_size=60)
)
@example(ENVELOPES[0].encode())
@example(b"\xff\xfe")
def test_a_call_is_read_or_refused(body: bytes) -> None:
    try:
        call = soap.read_call(body)
    except soap.BadCall as error:
        soap.fault(str(error)).decode()
    else:
        assert tuple(call.arguments) == soap.OPERATIONS[call.operation]
        assert all(isinstance(value, str) for value in call.arguments.values())


@given(st.text() | st.integers() | st.lists(st.text(), max_size=4))
def test_an_answer_can_carry_any_text_that_xml_can(result: str | int | list[str]) -> None:
    assert soap.answer("authenticate", result).decode()

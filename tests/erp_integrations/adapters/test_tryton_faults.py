"""The Tryton adapter when answers are lost, late, refused or rubbish."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from erp_integrations.adapters.tryton.adapter import TrytonAdapter
from erp_integrations.base import CodeData, Exported, NotSent, Outcome, Refused, Uncertain
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from tests.servers.raw import lossy
from tests.servers.tryton import PASSWORD, TrytonServer

pytestmark = pytest.mark.once

CREATE = "model.product.template.create"
WRITE = "model.product.template.write"
CREATE_CATEGORY = "model.product.category.create"
FIND = "model.product.product.search_read"


@pytest.fixture(scope="module")
def tryton() -> Iterator[TrytonServer]:
    with TrytonServer() as server:
        yield server


def make_codes(tryton: TrytonServer, *codes: str, income: str = "4000") -> list[CodeData]:
    account = str(tryton.accounts[income])
    return [CodeData(f"1-{code}", code, f"About {code}", income_account=account) for code in codes]


def nth(method: str, number: int = 1) -> Callable[[bytes], bool]:
    """True for this call of the method alone."""
    seen = iter(range(1, 1000))
    return lambda request: f'"{method}"'.encode() in request and next(seen) == number


class TestALostAnswer:
    """Of a real Tryton, which did as it was told."""

    def through(self, url: str, tryton: TrytonServer) -> TrytonAdapter:
        return TrytonAdapter(1, {**tryton.options, "address": url}, tryton.credentials)

    def test_to_the_create_is_uncertain_and_the_codes_are_found_to_be_ours(self, tryton: TrytonServer) -> None:
        codes = make_codes(tryton, "LOST-1", "LOST-2")
        with lossy(tryton.port, nth(CREATE)) as proxy, pytest.raises(UncertainError):
            self.through(proxy.url, tryton).export_codes(codes)

        adapter = self.through(tryton.url, tryton)
        found = adapter.find(codes)

        assert all(found[code.reference].is_ours and found[code.reference].fits(code) for code in codes)
        assert all(isinstance(outcome, Exported) for outcome in adapter.export_codes(codes))
        assert {"LOST-1", "LOST-2"} <= tryton.items().keys()

    def test_to_the_reading_back_is_uncertain(self, tryton: TrytonServer) -> None:
        with lossy(tryton.port, nth(FIND, 2)) as proxy, pytest.raises(UncertainError, match="took the codes"):
            self.through(proxy.url, tryton).export_codes(make_codes(tryton, "LOST-3"))

        assert "LOST-3" in tryton.items()

    def test_to_the_finding_beforehand_is_transient(self, tryton: TrytonServer) -> None:
        with lossy(tryton.port, nth(FIND)) as proxy, pytest.raises(TransientError):
            self.through(proxy.url, tryton).export_codes(make_codes(tryton, "LOST-4"))

        assert "LOST-4" not in tryton.items()

    def test_to_the_making_of_a_category_is_transient_and_leaves_one_category(self, tryton: TrytonServer) -> None:
        codes = make_codes(tryton, "LOST-5", income="4050")
        with lossy(tryton.port, nth(CREATE_CATEGORY)) as proxy, pytest.raises(TransientError):
            self.through(proxy.url, tryton).export_codes(codes)

        self.through(tryton.url, tryton).export_codes(codes)

        assert tryton.items()["LOST-5"] == ("About LOST-5", "4050", None)
        assert len(tryton.rpc("product.category", "search", [["name", "=", "GL 4050"]])) == 1

    def test_to_the_second_half_leaves_the_first_half_exported(self, tryton: TrytonServer) -> None:
        """The whole is refused for its last code, then the halves are sent."""
        first, second, third, fourth = make_codes(tryton, "HALF-1", "HALF-2", "HALF-3", "HALF-4")
        bad = CodeData(fourth.reference, fourth.code, " ", income_account=fourth.income_account)
        with lossy(tryton.port, nth(CREATE, 4)) as proxy:
            outcomes = self.through(proxy.url, tryton).export_codes([first, second, third, bad])

        assert [type(outcome) for outcome in outcomes] == [Exported, Exported, Uncertain, Uncertain]
        assert {"HALF-1", "HALF-2", "HALF-3"} <= tryton.items().keys()
        assert "HALF-4" not in tryton.items()

    def test_to_an_update_is_uncertain_and_the_new_values_are_found(self, tryton: TrytonServer) -> None:
        [code] = make_codes(tryton, "LOST-6")
        self.through(tryton.url, tryton).export_codes([code])
        held = self.through(tryton.url, tryton).find([code])[code.reference]
        changed = replace(code, remote_id=held.remote_id, description="Renamed")

        with lossy(tryton.port, nth(WRITE)) as proxy, pytest.raises(UncertainError):
            self.through(proxy.url, tryton).update_codes([changed])

        assert self.through(tryton.url, tryton).find([changed])[code.reference].fits(changed)
        [outcome] = self.through(tryton.url, tryton).update_codes([changed])
        assert isinstance(outcome, Exported)


class FakeTryton:
    """Answers each method as told; what is not told is a small empty book."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.answers: dict[str, Any] = {
            "common.db.login": [2, "session-token-77", None],
            "model.company.company.search_read": [{"id": 1, "rec_name": "Books"}],
            FIND: [],
            "model.product.category.search_read": [{"id": 5, "account_revenue": 10, "account_expense": None}],
            "model.product.uom.search_read": [{"id": 1}],
            "model.ir.model.access.get_access": {
                f"product.{name}": {"create": 1} for name in ("category", "template", "product", "identifier")
            },
            "model.product.template.fields_get": {"account_category": {"readonly": False}},
            CREATE: [1],
        }
        self.methods: list[str] = []
        self.url = httpserver.url_for("").rstrip("/")
        httpserver.expect_request("/erp/rpc/").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        asked = json.loads(request.data)
        number, method = asked["id"], asked["method"]
        self.methods.append(method)
        answer = self.answers[method]
        answer = answer.pop(0) if isinstance(answer, Script) else answer
        if isinstance(answer, Response):
            return Response(answer.get_data().replace(b"NUMBER", str(number).encode()), answer.status, answer.headers)
        told = answer if isinstance(answer, Error) else {"result": answer}
        return Response(json.dumps({"id": number, **told}), content_type="application/json")


class Script(list[Any]):
    """One answer after the other."""


class Error(dict[str, Any]):
    """An answer that is an error: of this class, with these words."""

    def __init__(self, kind: str, *words: str) -> None:
        super().__init__(error=[kind, [*words, None] if words else ""])


CODE = CodeData("1-7", "01-100", "Concrete", income_account="10")
PRODUCT = {
    "id": 3,
    "code": "01-100",
    "active": 1,
    "identifiers.": [{"id": 1, "code": "tieback:1-7"}],
    "template.": {
        "id": 3,
        "name": "Concrete",
        "active": 1,
        "account_category.": {"id": 5, "account_revenue": 10, "account_expense": None},
    },
}


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakeTryton:
    return FakeTryton(httpserver)


def adapter(fake: FakeTryton) -> TrytonAdapter:
    options = {"address": fake.url, "database": "erp", "username": "me", "company": "Books"}
    return TrytonAdapter(1, options, {"password": PASSWORD})


def export(fake: FakeTryton, *codes: CodeData) -> list[Outcome]:
    return adapter(fake).export_codes(codes or [CODE])


def test_the_fake_is_enough_to_export(fake: FakeTryton) -> None:
    fake.answers[FIND] = Script([[], [PRODUCT]])

    (outcome,) = export(fake)

    assert isinstance(outcome, Exported)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response("<h1>Service Unavailable</h1>", 503), UncertainError),
        (Response("<html>Welcome</html>"), UncertainError),
        (Response('{"id": NUMBER, "result": [1'), UncertainError),
        (Response("[]"), UncertainError),
        (Response('{"id": NUMBER}'), UncertainError),
        (Response('{"id": 1, "result": [1]}'), UncertainError),  # that of an earlier call
        (Response('{"result": [1]}'), UncertainError),
        (Response('{"result": 1, "error": 2}'), UncertainError),
        (Response("", 429, {"Retry-After": "9"}), TransientError),
        (Error("ConcurrencyException", "x"), TransientError),
        (Response("", 403), ConfigurationError),
        (Response("", 401), ConfigurationError),
    ],
)
def test_each_answer_to_the_create_has_its_kind(fake: FakeTryton, answer: Any, kind: type[ERPError]) -> None:
    fake.answers[CREATE] = answer

    with pytest.raises(kind):
        export(fake)


@pytest.mark.parametrize(
    "answer",
    [
        Response("<h1>Service Unavailable</h1>", 503),
        Response("<html>Welcome</html>"),
        Response("", 429),
        5,
        [5],
        [{}],
        [{**PRODUCT, "template.": None}],
        {"id": 1},
    ],
)
def test_rubbish_while_finding_is_transient_and_creates_nothing(fake: FakeTryton, answer: Any) -> None:
    fake.answers[FIND] = answer

    with pytest.raises(TransientError):
        export(fake)
    assert CREATE not in fake.methods


@pytest.mark.parametrize("answer", [None, [], [2], "no", Response("<html>"), Response("", 503)])
def test_rubbish_at_the_sign_in_is_transient(fake: FakeTryton, answer: Any) -> None:
    fake.answers["common.db.login"] = answer

    with pytest.raises(TransientError):
        export(fake)


def test_a_locked_out_sign_in_waits(fake: FakeTryton) -> None:
    """Tryton's throttle: after wrong passwords the right one is answered 429 too."""
    fake.answers["common.db.login"] = Response("", 429)

    with pytest.raises(TransientError, match="asks to wait"):
        adapter(fake).check()


def test_a_code_that_tryton_does_not_show_after_creating_it_is_uncertain(fake: FakeTryton) -> None:
    (outcome,) = export(fake)

    assert isinstance(outcome, Uncertain)


def test_a_refusal_keeps_the_first_line_for_people_and_the_rest_as_detail(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Error("UserError", "You may not.\nNot accounting category", "Within groups: none")

    (outcome,) = export(fake)

    assert outcome == Refused("1-7", "You may not.", "Not accounting category\nWithin groups: none")


def test_a_warning_is_a_refusal_in_its_own_words(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Error("UserWarning", "name-of-it", "Are you sure?", "More")

    (outcome,) = export(fake)

    assert outcome == Refused("1-7", "Are you sure?", "More")


def test_a_crash_inside_tryton_is_a_refusal_once_the_code_is_known_to_be_absent(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Error("'code'")

    (outcome,) = export(fake)

    words = "Tryton had a failure of its own. Its log tells more: show it to whoever runs Tryton."
    assert outcome == Refused("1-7", words, "'code'")
    assert fake.methods[-4:-2] == [CREATE, FIND]


def test_secrets_in_trytons_words_are_hidden(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Error("UserError", f"Bad {PASSWORD}\nof session-token-77")

    (outcome,) = export(fake)

    assert outcome == Refused("1-7", "Bad ***", "of ***")


def test_the_second_half_is_not_sent_when_tryton_asks_to_wait(fake: FakeTryton) -> None:
    other = CodeData("1-8", "01-200", "Concrete", income_account="10")
    fake.answers[CREATE] = Script([Error("UserError", "No."), [1], Response("", 429, {"Retry-After": "9"})])
    fake.answers[FIND] = Script([[], [], [PRODUCT]])

    done, waiting = export(fake, CODE, other)

    assert isinstance(done, Exported)
    assert isinstance(waiting, NotSent)
    assert waiting.retry_after_s == 9


def test_one_refused_and_one_lost_are_told_apart_whatever_comes_after(fake: FakeTryton) -> None:
    other = CodeData("1-8", "01-200", "Concrete", income_account="10")
    fake.answers[CREATE] = Script([Error("UserError", "No."), Error("UserError", "No."), Response("", 503)])
    fake.answers["model.ir.model.access.get_access"] = Response("", 503)

    assert [type(outcome) for outcome in export(fake, CODE, other)] == [Refused, Uncertain]


def test_missing_rights_pause_the_connection_instead_of_refusing_the_codes(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Error("UserError", "You are not allowed to access Product Template.")
    fake.answers["model.ir.model.access.get_access"]["product.template"] = {"create": 0}

    with pytest.raises(ConfigurationError, match="Account Product Administration"):
        export(fake)


def test_a_tryton_without_its_accounting_module_is_told(fake: FakeTryton) -> None:
    fake.answers["model.res.user.search_read"] = [{"companies": [1]}]
    fake.answers["model.product.template.fields_get"] = {}

    with pytest.raises(ConfigurationError, match="account_product"):
        adapter(fake).check()


def test_a_session_that_ends_at_the_create_is_renewed_once(fake: FakeTryton) -> None:
    fake.answers[CREATE] = Script([Response("", 401), [1]])
    fake.answers[FIND] = Script([[], [PRODUCT]])

    (outcome,) = export(fake)

    assert isinstance(outcome, Exported)
    assert fake.methods.count("common.db.login") == 2

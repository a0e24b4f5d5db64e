"""Each way in which Tryton says no has a sentence of its own, which says what to do; a bad record is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from erp_integrations.adapters.tryton import client
from erp_integrations.adapters.tryton.adapter import TrytonAdapter
from erp_integrations.base import CodeData, Exists, Exported, Refused
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError
from tests.erp_integrations.adapters.test_tryton_faults import CODE, CREATE, FIND, PRODUCT, FakeTryton, Script, adapter
from tests.servers.tryton import PASSWORD, TrytonServer

pytestmark = pytest.mark.once

LOGIN = "common.db.login"
ACCOUNTS = "model.account.account.search_read"
ACCOUNT = {
    "id": 10,
    "code": "4000",
    "name": "Sales",
    "closed": False,
    "active": 1,
    "type.": {"revenue": True, "expense": False},
}


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakeTryton:
    return FakeTryton(httpserver)


@pytest.fixture
def no_older_series(httpserver: HTTPServer) -> None:
    """What listens at the address of 7.0."""
    httpserver.expect_request("/erp/").respond_with_data("", 404)


def answered(fake: FakeTryton, method: str, error: Any) -> None:
    fake.answers[method] = Response(f'{{"id": NUMBER, "error": {error}}}', content_type="application/json")


class TestTheSignIn:
    def test_a_second_factor_is_named_with_what_to_do(self, fake: FakeTryton) -> None:
        answered(fake, LOGIN, '["LoginException", ["sms_code", "SMS code for api", "char"]]')

        with pytest.raises(ConfigurationError) as caught:
            adapter(fake).check()

        assert caught.value.message == (
            "Tryton wants a second factor from this user (“SMS code for api”), which Tieback does not have. "
            "Use a user, or a method of authentication, without one."
        )
        assert "sms_code" in caught.value.detail

    def test_too_many_wrong_passwords_are_named(self, fake: FakeTryton) -> None:
        fake.answers[LOGIN] = Response("", 429, {"Retry-After": "300"})

        with pytest.raises(TransientError, match="too many wrong passwords") as caught:
            adapter(fake).check()

        assert caught.value.retry_after_s == 300

    def test_one_that_is_not_answered_in_time_points_at_the_password(
        self, fake: FakeTryton, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client.Conversation, "post_json", too_late)

        with pytest.raises(TransientError, match="as after wrong passwords for this user") as caught:
            adapter(fake).check()

        assert caught.value.detail == "ReadTimeout"

    @pytest.mark.parametrize("status", [404, 405])
    @pytest.mark.usefixtures("no_older_series")
    def test_a_database_that_is_not_there_is_told_where_a_person_checks_the_settings(
        self, fake: FakeTryton, status: int
    ) -> None:
        fake.answers[LOGIN] = Response("", status)

        with pytest.raises(ConfigurationError, match="no Tryton database “erp” at this address, or Tryton cannot"):
            adapter(fake).check()

    @pytest.mark.parametrize("status", [404, 405])
    @pytest.mark.usefixtures("no_older_series")
    def test_and_everywhere_else_waited_for_since_tryton_says_the_same_while_it_cannot_reach_it(
        self, fake: FakeTryton, status: int
    ) -> None:
        """As of 8.2 and 7.0: DatabaseOperationalError at the sign-in is answered 404."""
        fake.answers[LOGIN] = Response("", status)
        books = adapter(fake)

        for call in (books.fetch_items, books.fetch_gl_accounts, lambda: books.export_codes([CODE])):
            with pytest.raises(TransientError, match="no Tryton database “erp” at this address, or Tryton cannot"):
                call()

    def test_there_is_time_for_the_longest_delay_of_a_wrong_password(self) -> None:
        """Tryton waits up to 2 ** 5 - 1 seconds after five wrong passwords, and does not answer at all after six."""
        assert TrytonAdapter.capabilities.call_timeout_s > 2**5 - 1 + 10


def too_late(*_: Any, **__: Any) -> Any:
    raise TransientError("Tryton did not answer in time.", "ReadTimeout")


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        ('["ConcurrencyException", "Records were modified"]', TransientError, client.BUSY),
        ('["ConcurrencyException", ["Records were modified"]]', TransientError, client.BUSY),
        ('["ConcurrencyException"]', TransientError, client.BUSY),
        ('"ConcurrencyException"', TransientError, client.BUSY),
    ],
)
def test_records_that_someone_else_changes_are_tried_again(
    fake: FakeTryton, error: str, kind: type[Exception], sentence: str
) -> None:
    answered(fake, CREATE, error)

    with pytest.raises(kind) as caught:
        adapter(fake).export_codes([CODE])

    assert caught.value.message == sentence  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            "[\"'int' object has no attribute 'lstrip'\", \"Traceback (most recent call last) ...\"]",
            client.FAILED_INSIDE,
        ),
        ("[\"'int' object has no attribute 'lstrip'\"]", client.FAILED_INSIDE),
        ("[\"'int' object has no attribute 'lstrip'\", \"\"]", client.FAILED_INSIDE),
        ('"out of memory"', client.FAILED_INSIDE),
        ("[]", client.FAILED_INSIDE),
        ("null", client.FAILED_INSIDE),
        ('["UserError", "You may not."]', "You may not."),
        ('["UserError", ["You may not.", "", null]]', "You may not."),
    ],
)
def test_a_failure_inside_tryton_says_where_to_look(fake: FakeTryton, error: str, sentence: str) -> None:
    answered(fake, CREATE, error)

    [outcome] = adapter(fake).export_codes([CODE])

    assert isinstance(outcome, Refused)
    assert outcome.message == sentence
    assert "Traceback" not in outcome.detail


LOCKED = '["database is locked", "Traceback (most recent call last) ..."]'


@pytest.mark.parametrize("method", [LOGIN, "model.company.company.search_read", FIND, "model.product.uom.search_read"])
def test_a_failure_inside_a_question_may_be_that_of_the_database_and_is_waited_for(
    fake: FakeTryton, method: str
) -> None:
    """7.0 says no more of an OperationalError."""
    answered(fake, method, LOCKED)

    with pytest.raises(TransientError) as caught:
        adapter(fake).export_codes([CODE])

    assert (caught.value.message, caught.value.detail) == (client.NOT_ANSWERED, "database is locked")
    assert CREATE not in fake.methods


def test_of_a_look_up_that_fails_inside_tryton_one_of_the_codes_may_be_the_reason(fake: FakeTryton) -> None:
    answered(fake, FIND, LOCKED)

    with pytest.raises(UncertainError, match="could not reach its database"):
        adapter(fake).find([CODE])


@pytest.mark.parametrize(("status", "words"), [(400, "a proxy before it"), (422, "Tryton 7.0 and later")])
@pytest.mark.parametrize("method", [LOGIN, CREATE])
def test_a_request_that_is_not_understood_says_what_may_be_wrong(
    fake: FakeTryton, method: str, status: int, words: str
) -> None:
    fake.answers[method] = Response("<html><title>Unprocessable</title></html>", status)

    with pytest.raises(ConfigurationError, match=words) as caught:
        adapter(fake).export_codes([CODE])

    assert f"HTTP {status}" in caught.value.detail


# One bad record


BAD_ROWS = [5, {}, {"id": 99, "code": "99", "name": None, "closed": 0, "active": 1, "type.": None}]


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_a_bad_account_is_left_out_and_named(fake: FakeTryton, bad: Any, caplog: pytest.LogCaptureFixture) -> None:
    fake.answers[ACCOUNTS] = [bad, ACCOUNT]
    books = adapter(fake)

    [account] = books.fetch_gl_accounts()

    assert account.remote_id == "10"
    [remark] = books.remarks
    assert ("id 99, code 99" if bad == BAD_ROWS[2] else "without an id") in remark
    assert remark in caplog.text


@pytest.mark.parametrize("bad", [5, {}, {**PRODUCT, "id": 8, "code": None, "template.": None}])
def test_a_bad_product_takes_no_other_with_it(fake: FakeTryton, bad: Any) -> None:
    fake.answers[FIND] = [bad, PRODUCT]

    [outcome] = adapter(fake).export_codes([CODE])

    assert isinstance(outcome, Exported)


def test_a_bad_product_of_a_code_takes_that_code_alone(fake: FakeTryton) -> None:
    other = CodeData("1-8", "01-200", "Concrete", income_account="10")
    fake.answers[FIND] = [PRODUCT, {**PRODUCT, "id": 4, "code": "01-200", "template.": None}]

    good, bad = adapter(fake).export_codes([CODE, other])

    assert isinstance(good, Exported)
    assert isinstance(bad, Exists)
    assert bad.message == "Tryton's record of 01-200 cannot be read. Look at the product there, then retry."
    assert bad.receipt.obstacle
    assert CREATE not in fake.methods


@pytest.mark.parametrize(
    "identifiers",
    [
        [{"id": 1, "code": "tieback:1-7"}],
        [{"id": 1, "code": "tieback:1-7"}, {"id": 2}, {"id": 3, "code": None}, 5, None],
    ],
)
@pytest.mark.parametrize(("code", "named"), [("99-CHANGED", "99-CHANGED"), (None, "product 4")])
def test_a_bad_product_with_our_identifier_is_not_absent_whatever_its_code_is_by_now(
    fake: FakeTryton, code: str | None, named: str, identifiers: list[Any]
) -> None:
    """Else the code would be sent again, and be there twice."""
    fake.answers[FIND] = [
        {**PRODUCT, "id": 4, "code": code, "template.": None, "identifiers.": identifiers},
        {**PRODUCT, "id": 5, "code": "else", "identifiers.": []},  # a page of bad ones alone is no answer
    ]

    [outcome] = adapter(fake).export_codes([CODE])
    found = adapter(fake).find([CODE])

    assert isinstance(outcome, Exists)
    assert outcome.message == f"Tryton's record of {named} cannot be read. Look at the product there, then retry."
    assert CREATE not in fake.methods
    assert found["1-7"].obstacle == outcome.message
    assert (found["1-7"].remote_id, found["1-7"].is_ours) == ("4", False)


@pytest.mark.parametrize("identifiers", [5, "tieback:1-7", None, {}])
def test_identifiers_that_are_no_list_of_them_name_no_product(fake: FakeTryton, identifiers: Any) -> None:
    fake.answers[FIND] = [{**PRODUCT, "id": 4, "code": None, "identifiers.": identifiers, "template.": None}, PRODUCT]

    [outcome] = adapter(fake).export_codes([CODE])

    assert isinstance(outcome, Exported)


def test_an_update_of_a_bad_product_does_not_call_it_deleted(fake: FakeTryton) -> None:
    held = {**PRODUCT, "template": 6, "template.": {**PRODUCT["template."], "products": [3]}}
    other = CodeData("1-8", "01-200", "Concrete", income_account="10", remote_id="4")
    fake.answers[FIND] = [held, {"id": 4, "code": "01-200", "template.": None}]

    good, bad = adapter(fake).update_codes([replace(CODE, remote_id="3"), other])

    assert isinstance(good, Exported)
    assert isinstance(bad, Exists)
    assert bad.message == "Tryton's record of 01-200 cannot be read. Look at the product there, then retry."


def test_a_bad_product_is_listed_without_values_so_that_it_does_not_look_deleted(fake: FakeTryton) -> None:
    fake.answers[FIND] = [PRODUCT, {**PRODUCT, "id": 4, "code": "01-200", "template.": None}, 5]

    good, bad = adapter(fake).fetch_items()

    assert (good.remote_id, good.description) == ("3", "Concrete")
    assert (bad.remote_id, bad.code, bad.description) == ("4", "01-200", None)
    assert bad.obstacle


class TestPagesWithoutEnd:
    """Of a server that answers every page full; each is read until a bound, and all of them are let go."""

    @pytest.fixture(autouse=True)
    def small_bounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "PAGE", 2)
        monkeypatch.setattr(client, "MAX_ROWS", 4)

    def accounts(self, first: int, size: int = 2) -> list[dict[str, Any]]:
        return [{**ACCOUNT, "id": first + number} for number in range(size)]

    def test_as_many_as_may_be_are_read(self, fake: FakeTryton) -> None:
        fake.answers[ACCOUNTS] = Script([self.accounts(1), self.accounts(3), []])

        assert [account.remote_id for account in adapter(fake).fetch_gl_accounts()] == ["1", "2", "3", "4"]

    def test_one_more_is_too_many(self, fake: FakeTryton) -> None:
        fake.answers[ACCOUNTS] = Script([self.accounts(1), self.accounts(3), self.accounts(5, size=1)])

        with pytest.raises(TransientError, match="more than 4 records"):
            adapter(fake).fetch_gl_accounts()

    def test_a_page_that_comes_again_is_an_end(self, fake: FakeTryton) -> None:
        fake.answers[ACCOUNTS] = self.accounts(1)  # whatever offset is asked for

        with pytest.raises(TransientError, match="the same records twice"):
            adapter(fake).fetch_gl_accounts()


@pytest.mark.parametrize("answer", [Response("", 503), Response("<html>"), 5, [5]])
def test_a_look_up_that_comes_to_nothing_may_be_the_fault_of_a_code(fake: FakeTryton, answer: Any) -> None:
    fake.answers[FIND] = answer

    with pytest.raises(UncertainError):
        adapter(fake).find([CODE])


def test_one_that_tryton_refuses_does_not_stop_the_connection(fake: FakeTryton) -> None:
    answered(fake, FIND, '["UserError", ["That is no code.", "", null]]')

    with pytest.raises(UncertainError, match="That is no code"):
        adapter(fake).find([CODE])


def test_unless_the_user_has_no_rights_any_more(fake: FakeTryton) -> None:
    answered(fake, FIND, '["UserError", ["You are not allowed to access Product.", "", null]]')
    fake.answers["model.ir.model.access.get_access"]["product.product"] = {"create": 0}

    with pytest.raises(ConfigurationError, match="Account Product Administration"):
        adapter(fake).find([CODE])


def test_a_wrong_password_of_a_real_tryton_is_told_as_such_however_often() -> None:
    """The third answer may take three seconds."""
    with TrytonServer() as server:
        server.make_user("forgetful", "right-Secret-5", ("Account Product Administration",))
        options = {**server.options, "username": "forgetful"}

        for _ in range(3):
            with pytest.raises(ConfigurationError, match="refuses this username or password"):
                TrytonAdapter(1, options, {"password": "wrong-Secret-5"}).check()

        assert PASSWORD not in str(options)

from __future__ import annotations

import pytest

from erp_integrations.adapters.quickbooks_desktop.status_codes import (
    CONNECTOR_ERRORS,
    LOCK_PHRASES,
    MESSAGE_SETS,
    OTHERWISE,
    STATUSES,
    Then,
    connector_error,
    hresult,
    meaning_of,
)
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError

pytestmark = pytest.mark.once

# The tables of the facts about QuickBooks: 2.7 (statuses) and 1.5 (the Web Connector's errors).
TOLD = [
    *(0, 1, 500, 501, 510, 530, 531, 550, 560, 570, 600, 1000, 1010, 1030, 1060, 3000, 3100, 3120, 3130, 3140, 3150),
    *(3151, 3160, 3161, 3162, 3170, 3171, 3175, 3176, 3177, 3180, 3200, 3205, 3210, 3220, 3231, 3240, 3250, 3260),
    *(3261, 3262, 3263, 3270),
]
OF_THE_BLOCK = [3010, 3020, 3030, 3031, 3035, 3040, 3045, 3060, 3070, 3080, 3090, 3099]
OF_MESSAGE_SETS = [600, 9001, 9002, 9003, 9004, 9005]
OF_THE_CONNECTOR = [
    *(0x80040400, 0x80040401, 0x80040402, 0x80040408, 0x8004040A, 0x8004040D, 0x80040410, 0x80040414, 0x80040416),
    *(0x80040418, 0x8004041A, 0x8004041B, 0x8004041C, 0x8004041D, 0x8004041E, 0x8004041F, 0x80040420, 0x80040421),
    *(0x80040422, 0x80040423, 0x80040424, 0x80040427, 0x8004042A, 0x8004042C),
]


def test_every_code_of_the_tables_has_an_entry() -> None:
    assert set(TOLD) == set(STATUSES)
    assert set(OF_MESSAGE_SETS) == set(MESSAGE_SETS)
    assert set(OF_THE_CONNECTOR) == set(CONNECTOR_ERRORS)
    assert all(meaning_of(code) is not OTHERWISE and meaning_of(code).then is Then.REFUSED for code in OF_THE_BLOCK)


def test_every_entry_says_in_a_sentence_what_happened() -> None:
    sentences = [meaning.sentence for meaning in STATUSES.values()]
    sentences += [sentence for _, sentence in (*MESSAGE_SETS.values(), *CONNECTOR_ERRORS.values())]

    for sentence in sentences:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not any(character.isdigit() for character in sentence)


def test_none_says_whether_it_is_tried_again() -> None:
    """Whoever tries it says so, and no longer when the tries are over."""
    for meaning in STATUSES.values():
        assert "by itself" not in meaning.sentence


@pytest.mark.parametrize("status", [3170, 3175, 3176, 3180])
@pytest.mark.parametrize("phrase", LOCK_PHRASES)
def test_a_lock_passes_whatever_its_code(status: int, phrase: str) -> None:
    assert meaning_of(status, f"There was an error. QuickBooks error message: The {phrase.upper()}.").is_retried


def test_the_words_of_a_lock_count_for_those_codes_alone() -> None:
    assert meaning_of(3140, LOCK_PHRASES[0]).then is Then.NEW_ACCOUNT


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (3170, Then.REFUSED),
        (3175, Then.RETRY),
        (3176, Then.RETRY),
        (3180, Then.REFUSED),
        (3100, Then.LOOK_UP),
        (42, Then.DONE),
        (999, Then.DONE),
        (2010, Then.REFUSED),
        (4242, Then.REFUSED),
        (9100, Then.REFUSED),
    ],
)
def test_what_follows(status: int, then: Then) -> None:
    assert meaning_of(status).then is then


@pytest.mark.parametrize("code", ["0x80040401", "0X80040401", " 0x80040401 ", "80040401", "-2147220479", "2147746817"])
def test_an_error_of_the_connector_is_known_however_it_is_written(code: str) -> None:
    assert hresult(code) == 0x80040401
    assert isinstance(connector_error(code, "Could not access QuickBooks."), TransientError)


@pytest.mark.parametrize("code", ["", "0x", "QBWC1013", "0x80049999", "8004", "-"])
def test_an_unknown_error_of_the_connector_is_uncertain(code: str) -> None:
    assert isinstance(connector_error(code, ""), UncertainError)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("0x80040400", ConfigurationError, "fault of Tieback"),
        ("0x80040410", TransientError, "Switch the file to multi-user mode"),
        ("0x80040418", ConfigurationError, "Integrated Applications"),
        ("0x8004041A", ConfigurationError, "Integrated Applications"),
        ("0x8004041B", TransientError, "too busy"),
        ("0x8004041D", ConfigurationError, "Integrated Applications"),
        ("0x8004041E", ConfigurationError, "Integrated Applications"),
        ("0x8004041F", ConfigurationError, "Pro, Premier or Enterprise"),
        ("0x80040420", ConfigurationError, "Integrated Applications"),
        ("0x80040422", TransientError, "single-user access"),
        ("0x80040423", ConfigurationError, "This QuickBooks is too old"),
        ("0x80040424", TransientError, "not finished starting"),
        ("0x80040427", ConfigurationError, "not registered"),
        ("0x8004042A", ConfigurationError, "on the computer of QuickBooks"),
        ("0x8004042C", ConfigurationError, "certificate"),
    ],
)
def test_an_error_of_the_connector_has_the_kind_of_what_cures_it(code: str, kind: type[ERPError], words: str) -> None:
    error = connector_error(code, "")

    assert type(error) is kind
    assert words in error.message


def test_what_quickbooks_itself_says_stands_in_the_sentence() -> None:
    error = connector_error("0x80040421", "  The company file is being\r\n repaired. " + "Wait. " * 200)

    assert error.message.startswith("QuickBooks says: “The company file is being repaired. Wait.")
    assert len(error.message) < 350
    assert connector_error("0x80040421", " ").message == "QuickBooks did not do it, and gave no reason."


def test_what_only_a_person_can_mend_stops_the_connection() -> None:
    error = connector_error("0x80040420", "The QuickBooks user has denied access.")

    assert isinstance(error, ConfigurationError)
    assert "Integrated Applications" in error.message
    assert error.detail == "0x80040420 The QuickBooks user has denied access."

"""What QuickBooks Desktop would refuse or mangle is told before anything is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.base import CodeData

pytestmark = pytest.mark.once

FLAT = QuickBooksDesktopAdapter(1, {}, {})
TIERED = QuickBooksDesktopAdapter(1, {"item_names": "tiers", "codes_per_message": 50}, {})
CODE = CodeData("c0ffee-7", "01-0010", "Béton", ("01", "0010"), "8000000A-17", "8000000B-17")
NAME = "QuickBooks allows 31 characters for an item name; this code has {}. Shorten it"
REPORT = "QuickBooks' Transaction Detail report shows 96 characters of a full code; this one has {}. Shorten it."


@pytest.mark.parametrize(
    ("adapter", "code", "sentences"),
    [
        (FLAT, replace(CODE, code="1" * 31, tiers=("1" * 31,)), []),
        (
            FLAT,
            replace(CODE, code=f"{'1' * 20}-{'2' * 20}", tiers=("1" * 20, "2" * 20)),
            [f"{NAME.format(41)}, or choose “Tiers as sub-items” in Settings."],
        ),
        (
            FLAT,
            replace(CODE, code="1" * 32, tiers=("1" * 32,)),
            [f"{NAME.format(32)}."],
        ),
        (
            FLAT,
            replace(CODE, code="1" * 97, tiers=("1" * 97,)),
            [
                f"{NAME.format(97)}.",
                REPORT.format(97),
            ],
        ),
        (TIERED, replace(CODE, code="-".join(["1" * 31] * 3), tiers=("1" * 31,) * 3), []),
        (
            TIERED,
            replace(CODE, code="-".join(["1" * 24] * 4), tiers=("1" * 24,) * 4),
            [
                REPORT.format(99),
            ],
        ),
        (
            TIERED,
            replace(CODE, code=f"01-{'2' * 32}", tiers=("01", "2" * 32)),
            [f"QuickBooks allows 31 characters for each tier; “{'2' * 32}” has 32. Shorten it."],
        ),
        (
            TIERED,
            replace(CODE, code="1" * 32, tiers=("1" * 32,)),
            [f"QuickBooks allows 31 characters for each tier; “{'1' * 32}” has 32. Shorten it."],
        ),
        (
            TIERED,
            replace(CODE, code="1-2-3-4-5-6", tiers=tuple("123456")),
            ["QuickBooks allows 5 levels of items; this code has 6 tiers. Use fewer."],
        ),
        (
            TIERED,
            replace(CODE, code="01 -10", tiers=("01 ", "10")),
            ["“01 ” begins or ends with a blank, which QuickBooks drops. Take it out."],
        ),
        (TIERED, replace(CODE, code="01-", tiers=("01", "")), ["A tier of this code is empty. Give it a code."]),
        (FLAT, replace(CODE, code="01:10"), ["QuickBooks Desktop does not allow : in a code. Take it out."]),
        (
            FLAT,
            replace(CODE, code="01\t10"),
            ["The code has a tab, a line break or another control character. Take it out."],
        ),
        (
            FLAT,
            replace(CODE, description="one\ntwo"),
            ["The description has a tab, a line break or another control character. Take it out."],
        ),
        (
            FLAT,
            replace(CODE, description="Bê tông và cốt thép"),
            ["QuickBooks cannot hold these characters of the description: ố (U+1ED1). Replace them."],
        ),
        (
            FLAT,
            replace(CODE, code="鋼-1"),
            ["QuickBooks cannot hold these characters of the code: 鋼 (U+92FC). Replace them."],
        ),
        (
            FLAT,
            replace(CODE, description="Concrete "),
            ["The description begins or ends with a blank, which QuickBooks drops. Take it out."],
        ),
        (FLAT, replace(CODE, description="é € – “ ” Œ ž"), []),
        (
            FLAT,
            replace(CODE, description="x" * 4096),
            ["QuickBooks Desktop allows 4095 characters for a description; this one has 4096. Shorten it."],
        ),
        (FLAT, replace(CODE, description=" "), ["QuickBooks Desktop needs a description. Add one."]),
    ],
)
def test_what_breaks_a_rule_is_told_with_what_to_do(
    adapter: QuickBooksDesktopAdapter, code: CodeData, sentences: list[str]
) -> None:
    assert adapter.validate(code) == sentences


def test_the_options_change_what_it_can() -> None:
    flat, tiered = FLAT.capabilities_with({}), TIERED.capabilities_with(TIERED.options)

    assert (flat.has_tiers, flat.code_limit, flat.batch_size) == (False, 31, 20)
    assert (tiered.has_tiers, tiered.code_limit, tiered.batch_size) == (True, 96, 50)


@pytest.mark.parametrize(("number", "is_good"), [("1", True), ("100", True), ("0", False), ("101", False), ("", False)])
def test_the_form_bounds_the_codes_per_message(number: str, is_good: bool) -> None:
    form = QuickBooksDesktopAdapter.options_form()({"item_names": "code", "codes_per_message": number})

    assert form.is_valid() is is_good


COLONS = CodeData("c0ffee-8", "01:0010", "Béton", ("01", "0010"))
COLON = "QuickBooks Desktop does not allow : in a code. Take it out."


@pytest.mark.parametrize(
    ("adapter", "code", "sentences"),
    [
        (TIERED, COLONS, []),
        (TIERED, replace(COLONS, code="01:00:10", tiers=("01", "00:10")), [COLON]),
        (TIERED, replace(COLONS, code="01:0010", tiers=("01:0010",)), [COLON]),
        (FLAT, COLONS, [COLON]),
        (FLAT, replace(COLONS, code="01-00:10", tiers=("01", "00:10")), [COLON]),
    ],
)
def test_a_colon_may_join_tiers_that_become_items_and_may_not_be_in_one(
    adapter: QuickBooksDesktopAdapter, code: CodeData, sentences: list[str]
) -> None:
    assert adapter.validate(code) == sentences

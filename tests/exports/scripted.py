"""An ERP that does what a test tells it, in a file that worker processes share and the referee reads.

The journal is one JSON object per line: calls as they start and end, and every item at the moment it is created.
The ERP is careless on purpose: it keeps whatever it is sent, twice if it is sent twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from django import forms

from erp_integrations.base import (
    Adapter,
    Capabilities,
    CodeData,
    Exists,
    Exported,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Uncertain,
)
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError, UnsupportedFeature

ERRORS: dict[str, Callable[[], Exception]] = {
    "transient": lambda: TransientError("The ERP cannot be reached.", "connection refused"),
    "throttle": lambda: TransientError("The ERP is busy.", "429", retry_after_s=30),
    "configuration": lambda: ConfigurationError("The ERP does not accept the password. Change it in Settings."),
    "uncertain": lambda: UncertainError("The ERP did not answer in time.", "time-out"),
    "unsupported": lambda: UnsupportedFeature("This ERP cannot do that."),
    "bug": lambda: KeyError("nobody foresaw this"),
}


ITEM = b'{"event": "item"'  # how the line of an item begins


@dataclass(frozen=True)
class Rule:
    """Do `what` when a call `on` "export" or "find" carries the code (None: any), `times` times (None: always).

    `what` is an error of ERRORS, raised before anything is done; "after:<error>", raised when all is done; "die" or
    "die:<n>", kill -9 after n items of the call; "sleep:<seconds>", between doing and answering; "hold", there until
    `let_go`; "late", the call is given up, and done by the ERP after the next question about it; or one of `_answer`.
    """

    what: str
    code: str | None = None
    on: str = "export"
    times: int | None = None


class Books:
    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rules_path = self.path.with_suffix(".rules")
        self.go_path = self.path.with_suffix(".go")

    def tell(self, *rules: Rule) -> None:
        draft = self.rules_path.with_suffix(".draft")
        draft.write_text(json.dumps([asdict(rule) for rule in rules]))
        draft.rename(self.rules_path)

    def rules(self) -> list[Rule]:
        return [Rule(**rule) for rule in json.loads(self.rules_path.read_text())] if self.rules_path.exists() else []

    def let_go(self) -> None:
        """Answer what is held, and hold nothing from now on."""
        self.go_path.touch()

    def asked_about(self) -> set[str]:
        return {code for event in self.events("start") if event["call"] == "find" for code in event["codes"]}

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [event for event in map(json.loads, lines) if kind in (None, event["event"])]

    def items(self) -> list[dict[str, Any]]:
        return self.events("item")

    def held(self) -> list[dict[str, Any]]:
        """The items after what people did to them in the ERP since: `write("edited", remote_id="R1", ...)`, "gone"."""
        return self._replay("item", "updated", "edited", "gone")

    def written(self) -> list[dict[str, Any]]:
        """The items as we left them, whatever people did to them since."""
        return self._replay("item", "updated")

    def _replay(self, *kinds: str) -> list[dict[str, Any]]:
        items: dict[str, dict[str, Any]] = {}
        for event in self.events():
            if event["event"] not in kinds:
                continue
            if event["event"] == "gone":
                items.pop(event["remote_id"], None)
            else:
                items.setdefault(event["remote_id"], {}).update(event)
        return list(items.values())

    def add(self, code: CodeData, *, by_hand: bool = False) -> dict[str, Any]:
        with self._locked():
            item = {
                **asdict(code),
                "remote_id": f"R{self.path.read_bytes().count(ITEM) + 1 if self.path.exists() else 1}",
                "reference": None if by_hand else code.reference,
            }
            self.write("item", **item)
        return item

    def take(self, code: CodeData) -> dict[str, Any]:
        """Make the item, or give it new values: careless, it takes what it is told."""
        if not code.remote_id:
            return self.add(code)
        names = ("remote_id", "description", "income_account", "expense_account")
        self.write("updated", **{name: getattr(code, name) for name in names})
        return next(item for item in self.held() if item["remote_id"] == code.remote_id)

    def write(self, event: str, **values: Any) -> None:
        line = json.dumps({"event": event, "at": time.monotonic(), "pid": os.getpid(), **values})
        with self.path.open("a") as journal:
            journal.write(line + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class ScriptedOptions(forms.Form):
    journal = forms.CharField()
    batch_size = forms.IntegerField(required=False)
    secret_fields = ()


class ScriptedAdapter(Adapter):
    key = "scripted"
    label = "Scripted ERP"
    capabilities = Capabilities(
        item_type="Line in a file",
        proven_against="nothing",
        batch_size=50,
        lists_items=True,
        updates_items=True,
        looks_up_by="reference",
        code_limit=20,
        forbidden_characters=":",
        has_expense_account=True,
        call_timeout_s=1,
        settle_s=0,
    )

    @classmethod
    def capabilities_with(cls, options: Mapping[str, Any]) -> Capabilities:
        return replace(cls.capabilities, batch_size=options.get("batch_size", cls.capabilities.batch_size))

    @classmethod
    def options_form(cls) -> type[forms.Form]:
        return ScriptedOptions

    @property
    def books(self) -> Books:
        return Books(self.options["journal"])

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        rules = self._start("find", codes)
        self._raise(rules)
        held = self.books.held()
        ours = {item["reference"]: item for item in reversed(held)}
        theirs = {item["code"].casefold(): item for item in reversed(held)}
        found = {code.reference: ours.get(code.reference) or theirs.get(code.code.casefold()) for code in codes}
        for late in self.books.events("late")[len(self.books.events("late is done")) :]:
            self.books.write("late is done")
            for code in late["codes"]:
                self.books.take(CodeData(**code))
        self.books.write("end", call="find")
        return {reference: receipt(item, reference) for reference, item in found.items() if item}

    def fetch_items(self) -> list[Receipt]:
        self._raise(self._start("list", []))
        self.books.write("end", call="list")
        return [replace(receipt(item, ""), is_ours=item["reference"] is not None) for item in self.books.held()]

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return self._write("export", codes)

    def update_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        return self._write("update", codes)

    def _write(self, call: str, codes: Sequence[CodeData]) -> list[Outcome]:
        rules = self._start(call, codes)
        self._raise(rules)
        if any(rule.what == "late" for rule in rules):
            self.books.write("late", codes=[asdict(code) for code in codes])
            self.books.write("end", call="error")
            raise ERRORS["uncertain"]()
        outcomes = []
        for place, code in enumerate(codes):
            if any(rule.what == f"die:{place}" for rule in rules):
                os.kill(os.getpid(), signal.SIGKILL)
            what = next((rule.what for rule in rules if rule.code == code.code), "")
            outcomes += self._answer(code, what)
        for rule in rules:
            if rule.what.startswith("sleep:"):
                time.sleep(float(rule.what.removeprefix("sleep:")))
            while rule.what == "hold" and not self.books.go_path.exists():
                time.sleep(0.02)
        if any(rule.what == "die" for rule in rules):
            os.kill(os.getpid(), signal.SIGKILL)
        self._raise(rules, "after:")
        self.books.write("end", call=call)
        return outcomes

    def _answer(self, code: CodeData, what: str) -> list[Outcome]:
        name = code.reference
        match what:
            case "refuse":
                return [Refused(name, f"{code.code} is refused.", "E42")]
            case "exists":
                return [
                    Exists(name, receipt(self.books.add(code, by_hand=True), name), f"{code.code} is there already.")
                ]
            case "gone":
                return [Refused(name, "The item is gone.")]
            case "there":  # as it was
                there = next(item for item in self.books.held() if item["remote_id"] == code.remote_id)
                return [Exists(name, receipt(there, name), f"{code.code} stays as it is.")]
            case "not sent":
                return [NotSent(name, "Not now.")]
            case "not sent, wait":
                return [NotSent(name, "Not now.", retry_after_s=0.1)]
            case "same id":
                return [
                    Exported(
                        name, replace(receipt(self.books.add(code), name), remote_id=self.books.items()[0]["remote_id"])
                    )
                ]
        held = receipt(self.books.take(code), name)
        match what:
            case "nobody knows":
                return [Uncertain(name, "Nobody knows.")]
            case "missing":
                return []
            case "no id":
                return [Exported(name, replace(held, remote_id=""))]
            case "other values":
                return [Exported(name, replace(held, description="Something else"))]
            case "twice":
                return [Exported(name, held), Refused(name, "Refused after all.")]
            case "stranger":
                return [Exported(name, held), Exported("nobody-asked", held)]
        return [Exported(name, held)]

    def _start(self, call: str, codes: Sequence[CodeData]) -> list[Rule]:
        """The rules that hold for this call; those with a number of times are used up by it."""
        used = [event["rule"] for event in self.books.events("rule")]
        self.books.write("start", call=call, codes=[code.code for code in codes])
        carried = {code.code for code in codes} | {None}
        rules = []
        for place, rule in enumerate(self.books.rules()):
            if rule.on == call and rule.code in carried and (rule.times is None or used.count(place) < rule.times):
                self.books.write("rule", rule=place)
                rules.append(rule)
        return rules

    def _raise(self, rules: list[Rule], when: str = "") -> None:
        for rule in rules:
            error = ERRORS.get(rule.what.removeprefix(when)) if rule.what.startswith(when) else None
            if error:
                self.books.write("end", call="error")
                raise error()


def receipt(item: dict[str, Any], reference: str) -> Receipt:
    return Receipt(
        remote_id=item["remote_id"],
        code=item["code"],
        description=item["description"],
        income_account=item["income_account"],
        expense_account=item["expense_account"],
        is_ours=item["reference"] == reference,
        owner=item["reference"] or "",
    )

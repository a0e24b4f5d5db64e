"use strict";

/* What HTML and htmx cannot say by themselves. No state is kept here: the server's rows are the truth. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const on = (type, selector, act) => document.addEventListener(type, (event) => {
  const element = event.target.closest?.(selector);
  if (element) act(element, event);
});

/* Telling: one polite live region (the server's event "say"); what failed on the way stays until it is dealt with. */

document.addEventListener("say", (event) => { $("#live").textContent = event.detail.value; });

function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.setAttribute("role", "alert");
  box.innerHTML = '<span></span><button type="button" class="btn-link">Close</button>';
  box.firstChild.textContent = text;
  box.lastChild.addEventListener("click", () => box.remove());
  $("#toasts").replaceChildren(box);
}

function failed(event, why) {
  const control = event.detail.elt;
  if (control.matches("[data-poll]")) return;
  const row = control.matches("tr[data-status]");
  toast(`${row ? "Not saved" : "Not done"}: ${why}`);
  if (!row) return;
  const note = document.createElement("p");
  note.className = "error unsaved";
  note.innerHTML = 'Not saved. <button type="button" class="btn-link">Try again</button>';
  note.lastChild.addEventListener("click", () => $("select", control).dispatchEvent(new Event("change", { bubbles: true })));
  const cell = $(".status", control);
  cell.dataset.seen = cell.dataset.seen.split(":", 2).join(":"); // the accounts that it shows are not the server's
  $(".unsaved", cell)?.remove();
  cell.append(note);
}

document.addEventListener("htmx:sendError", (event) => failed(event, "Tieback cannot be reached. Check the network."));
document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  const why = { 403: "your rights have changed. Load the page anew.", 503: responseText };
  failed(event, why[status] || "something went wrong on our side. Try again.");
});

/* What carries the list's form tells what each row shows, "id:moves:version" and marks of its accounts, and is answered
   with the cells that differ. A row without a status has that of the row before it; addresses in it begin at the row's. */

document.addEventListener("htmx:configRequest", ({ detail: { formData } }) => {
  if (!formData.has("seen_at")) return;
  for (const cell of $$("[data-seen]")) formData.append("seen", `${cell.parentElement.id.slice(7)}:${cell.dataset.seen}`);
});

document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.id !== "rows") return;
  detail.shouldSwap = false;
  let status;
  for (const told of $$("tr", detail.fragment)) {
    status = $(".status", told) ?? status;
    show(told, status.cloneNode(true));
  }
});

function show(told, status) {
  const { status: state, seen } = told.dataset;
  for (const name of ["formaction", "hx-post", "href"]) {
    for (const control of $$(`.actions [${name}]`, status)) {
      control.setAttribute(name, `${told.id.slice(7)}/${control.getAttribute(name)}`);
    }
  }
  const row = document.getElementById(told.id);
  const unsaved = $(".unsaved", row);
  const keepsChoice = unsaved && !$(".income, .expense", told);
  if (keepsChoice) status.append(unsaved);
  status.dataset.seen = keepsChoice ? seen.split(":", 2).join(":") : seen;
  $("[name=version]", status).value = seen.split(":")[1];
  row.dataset.status = state;
  for (const cell of [...$$(".code, .description, .income, .expense", told), status]) {
    $(`.${cell.className}`, row).replaceWith(cell);
    htmx.process(cell);
  }
}

/* Text that is cut off shows whole under the pointer. */

on("pointerover", "td:is(.income, .expense)", (cell) => { cell.title = cell.firstChild?.data ?? ""; });

/* A poll rests while nobody looks. */

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-poll]")) event.preventDefault();
});

/* One that finds nobody signed in leads to the sign-in page, but not away from a choice that is not saved. */

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt, xhr } = event.detail;
  if (xhr.status === 401 && elt.matches("[data-poll]") && (saving() || $("tr .unsaved"))) event.preventDefault();
});

/* A row that is swapped under the focus keeps it: htmx finds it again by id alone, and drop-downs have none. */

let focused = "";
document.addEventListener("htmx:beforeSwap", () => {
  const { activeElement: control } = document;
  const row = control.closest("tr[id]");
  focused = row && control.name ? `#${row.id} [name=${control.name.replace("_kept", "")}]` : "";
});
document.addEventListener("htmx:afterSwap", () => {
  if (focused && document.activeElement === document.body) $(focused)?.focus();
});

/* Drop-downs of accounts: sent once per page, filled in when needed. */

const own = new WeakMap(); // select -> the options that it has without the accounts

function fill(select) {
  const groups = $$(`[data-for~=${select.dataset.accounts}]`, $("#accounts").content);
  const accounts = groups.map((group) => group.cloneNode(true));
  const chosen = select.selectedOptions[0];
  const same = accounts.flatMap((group) => $$("option", group)).find((option) => option.value === chosen.value);
  if (same) {
    same.setAttribute("selected", "");
    chosen.remove();
  }
  own.set(select, [...select.options]);
  select.append(...(accounts.length === 1 ? accounts[0].children : accounts));
  select.dataset.filled = "";
}

/* Left again, it keeps what it shows: hundreds of accounts in each of a hundred rows would slow the page down. */

function empty(select) {
  const chosen = select.selectedOptions[0];
  select.replaceChildren(...new Set([...own.get(select), chosen]));
  select.value = chosen.value;
  delete select.dataset.filled;
}

for (const type of ["pointerdown", "focusin", "keydown"]) {
  on(type, "select[data-accounts]:not([data-filled])", fill);
}
on("focusout", "select[data-filled]", empty);

/* Saving a row's accounts. Arrow keys and typing on a closed list pass accounts by: what they settle on is saved, once;
   a choice from an open list at once. Nothing that acts on the list goes before what was chosen is saved. */

const SETTLE_MS = 1000;
const OPENS = ["Enter", " ", "F4"]; // and an arrow with Alt
const rowChoice = "tr[data-status] select[data-accounts]";
const unsettled = new Map(); // select -> timer
let keyed = null; // the list that keys change while it is closed
let settling = false;

function settle(select) {
  clearTimeout(unsettled.get(select));
  if (!unsettled.delete(select)) return;
  settling = true;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  settling = false;
}

const settleAll = () => { for (const select of [...unsettled.keys()]) settle(select); };

document.addEventListener("change", (event) => {
  const select = event.target;
  if (settling || !select.matches(rowChoice)) return;
  clearTimeout(unsettled.get(select));
  unsettled.delete(select);
  if (keyed !== select) return;
  event.stopImmediatePropagation();
  unsettled.set(select, setTimeout(settle, SETTLE_MS, select));
}, true);

document.addEventListener("keydown", ({ target, key, altKey }) => {
  if (!target.matches?.(rowChoice)) return;
  keyed = altKey || OPENS.includes(key) ? null : target;
  if (key === "Enter") settle(target);
}, true);
document.addEventListener("pointerdown", () => { keyed = null; }, true);
document.addEventListener("focusout", ({ target }) => { keyed = null; settle(target); });

const saving = () => unsettled.size > 0 || $("tr[data-status].htmx-request, [name$=_kept].htmx-request");

document.addEventListener("htmx:confirm", (event) => {
  const { elt, verb, issueRequest } = event.detail;
  if (verb !== "post" || elt.matches("[data-poll], tr[data-status], [name$=_kept]") || !saving()) return;
  event.preventDefault();
  settleAll();
  const goOn = () => setTimeout(() => {
    if (saving() || !waits) return;
    waits = false;
    document.removeEventListener("htmx:afterRequest", goOn);
    if ($("tr .unsaved")) toast("Not done: not every account is saved. Try those again first.");
    else issueRequest(true);
  });
  let waits = true;
  document.addEventListener("htmx:afterRequest", goOn);
  goOn();
});

/* Leaving the page loses nothing: the same save twice writes once. */

function saveWhileLeaving(row) {
  const fields = $$("select, [name=version]", row).map((field) => [field.name, field.value]);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  signHeaders(headers);
  fetch(row.getAttribute("hx-post"), { method: "POST", keepalive: true, headers, body: new URLSearchParams(fields) });
}

window.addEventListener("pagehide", () => {
  const chosen = [...unsettled.keys()].filter((select) => select.isConnected).map((select) => select.closest("tr"));
  new Set([...chosen, ...$$("tr[data-status].htmx-request")]).forEach(saveWhileLeaving);
});
document.addEventListener("visibilitychange", () => { if (document.hidden) settleAll(); });

document.addEventListener("acted", () => $("#banner .banner")?.scrollIntoView({ block: "nearest" }));

/* A file that is too large is told before it is sent. */

on("change", "input[data-most-bytes]", (input) => {
  const tooLarge = [...input.files].some((file) => file.size > Number(input.dataset.mostBytes));
  input.setCustomValidity(tooLarge ? input.dataset.tooLarge : "");
  input.reportValidity();
});

/* Dialogs. */

on("click", "[data-dialog]", (button, event) => {
  const dialog = $(`#${button.dataset.dialog}`);
  event.preventDefault();
  for (const select of $$("select", dialog)) select.selectedIndex = 0; // nothing is left of the last time
  dialog.showModal();
});
on("click", "[data-closes]", (button) => button.closest("dialog").close());

const visible = (element) => element.checkVisibility();

/* Keys: j and k move between rows, x ticks, ? tells. None while typing. */

function moveBy(step) {
  const rows = $$("tr[data-status]").filter(visible);
  const here = rows.indexOf(document.activeElement.closest("tr[data-status]"));
  const row = rows[here < 0 ? 0 : Math.min(Math.max(here + step, 0), rows.length - 1)];
  if (row) $("input[type=checkbox], a", row).focus();
}

const keys = {
  j: () => moveBy(1),
  k: () => moveBy(-1),
  x: () => $("input[name=export]", document.activeElement.closest("tr") ?? document.createElement("tr"))?.click(),
  "?": () => $("#keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), select, textarea") || $("dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  keys[event.key]?.();
});

/* What a form was answered with has an address of its own, to which Back and Reload can return. */

const answered = $("form[data-address]");
if (answered) history.replaceState(null, "", answered.dataset.address);

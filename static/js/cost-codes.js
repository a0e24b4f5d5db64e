"use strict";

/* The page of cost codes: the dialog of one item. */

// Where the work goes on. At once: the attribute autofocus would come later and take the focus from who types already.
function focusNext() {
  const saved = $("#codes [data-saved]");
  saved?.removeAttribute("data-saved");
  (saved ?? $("dialog[open] [aria-invalid]"))?.focus();
}

// The server's answer goes into the dialog, which opens with it; "close-dialog" comes with a saved item.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.matches("dialog:not([open])")) detail.target.showModal();
  focusNext();
});
document.addEventListener("close-dialog", () => $("dialog[open]")?.close());
// A closed one is emptied: what was typed last would be checked when it is saved already.
document.addEventListener("close", ({ target }) => $("#item-form", target)?.remove(), true);

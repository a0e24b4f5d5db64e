"use strict";

/* The page of cost codes: the head's tick box, buttons that need ticks, and the dialog of one item. */
{
  const boxes = () => [...document.querySelectorAll("#codes input[name=item]")];

  const showTicks = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    const all = document.querySelector("[data-all-matching]")?.checked ?? false;
    for (const button of document.querySelectorAll("[data-needs-ticks]")) button.disabled = ticked === 0;
    for (const button of document.querySelectorAll("[data-not-all]")) button.disabled = all || (button.matches("[data-needs-ticks]") && ticked === 0);
    const head = document.querySelector("[data-ticks-all]");
    if (!head) return;
    head.checked = ticked > 0 && ticked === boxes().length;
    head.indeterminate = ticked > 0 && !head.checked;
  };

  document.addEventListener("change", ({ target }) => {
    const all = document.querySelector("[data-all-matching]");
    if (target.matches("[data-ticks-all], [data-all-matching]")) for (const box of boxes()) box.checked = target.checked;
    else if (all && target.matches("#codes input[name=item]")) all.checked = false;
    if (all && target.matches("[data-ticks-all]")) all.checked = false;
    showTicks();
  });

  // Where the work goes on. At once: the attribute autofocus would come later and take the focus from who types already.
  const focusNext = () => {
    const saved = document.querySelector("#codes [data-saved]");
    saved?.removeAttribute("data-saved");
    (saved ?? document.querySelector("dialog[open] [aria-invalid]"))?.focus();
  };

  // The server's answer goes into the dialog, which opens with it; "close-dialog" comes with a saved item.
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.matches("dialog:not([open])")) detail.target.showModal();
    focusNext();
    showTicks();
  });
  document.addEventListener("close-dialog", () => document.querySelector("dialog[open]")?.close());
  // A closed one is emptied: what was typed last would be checked when it is saved already.
  document.addEventListener("close", ({ target }) => target.querySelector("#item-form")?.remove(), true);

  showTicks();
  window.addEventListener("pageshow", showTicks);
}

"use strict";

/* Ticks of a list: which rows the buttons with data-ticked mean; or with data-all-matching all, on whichever page. */

const BOX = "tbody input:is([name=export], [name=item])";
const boxes = () => $$(BOX).filter(visible);
const allMatching = () => $("[data-all-matching]");

function showTicks() {
  const all = allMatching()?.checked ?? false;
  const ticked = boxes().filter((box) => box.checked).length;
  const none = !all && ticked === 0;
  for (const button of $$("[data-ticked], [data-not-all]")) {
    button.disabled = (none && button.matches("[data-ticked]")) || (all && button.matches("[data-not-all]"));
  }
  const count = all ? $("#matching")?.textContent : ticked;
  const many = `${count} ${all ? "matching" : "ticked"} cost code${count === 1 ? "" : "s"}`;
  for (const place of $$("[data-count]")) place.textContent = none ? "" : many;
  const head = $("[data-ticks-all]");
  if (!head) return;
  head.checked = ticked > 0 && ticked === boxes().length;
  head.indeterminate = !head.checked && !none;
}

function tick(checked, all = false) {
  for (const box of boxes()) box.checked = checked;
  tickAll(all);
}

function tickAll(all) {
  if (allMatching()) allMatching().checked = all;
  showTicks();
}

on("change", "[data-ticks-all]", (head) => tick(head.checked));
on("change", "[data-all-matching]", (all) => tick(all.checked, all.checked));
on("change", BOX, () => tickAll(false));
on("click", "[data-select-all]", (button, event) => { event.preventDefault(); tick(true, true); });
on("click", "[data-clear]", (button, event) => { event.preventDefault(); tick(false); });
document.addEventListener("acted", () => tick(false));
document.addEventListener("htmx:afterSwap", showTicks);
showTicks();
window.addEventListener("pageshow", showTicks); // Back: the browser has ticked again what was ticked

/* What is wrong with how the page is laid out at its present width, each a sentence. Evaluated by test_layout.py. */
() => {
  const main = document.querySelector("main");
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".sr-only, .skip, svg");
  const memory = new Map();
  const styleOf = (element) => {
    if (!memory.has(element)) memory.set(element, getComputedStyle(element));
    return memory.get(element);
  };
  const known = new Map();
  const floats = (element) => {
    if (!element) return null;
    if (!known.has(element)) known.set(element, ["fixed", "sticky"].includes(styleOf(element).position) ? element : floats(element.parentElement));
    return known.get(element);
  };
  const name = (element) => {
    const words = (element.getAttribute("aria-label") || element.innerText || element.name || "").trim();
    return `<${element.localName}> "${words.replace(/\s+/g, " ").slice(0, 40)}"`;
  };
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const boxes = (thing) => [...thing.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
  const clipped = (box, element) => {
    if (styleOf(element).overflowX !== "hidden") return box;
    const { left, right } = element.getBoundingClientRect();
    return new DOMRect(Math.max(box.left, left), box.top, Math.max(Math.min(box.right, right) - Math.max(box.left, left), 0), box.height);
  };
  const found = new Set();

  /* Every word that is read, and where: those of up to twenty letters stand on one line. */
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const parent = text.parentElement;
    if (!text.data.trim() || parent.closest("script, style, template, option, pre") || !seen(parent)) continue;
    for (const word of text.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = boxes(range).map((box) => clipped(box, parent));
      texts.push({ parent, lines, float: floats(parent) });
      const tops = new Set(lines.map((box) => Math.round(box.top)));
      if (tops.size > 1 && word[0].length <= 20) found.add(`breaks the word ${word[0]} in ${name(parent)}`);
    }
  }

  /* Nothing lies over anything else: controls over controls, controls over words. What floats over all is let be. */
  const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter(seen);
  const places = controls.map((control) => ({ control, float: floats(control), lines: boxes(control) }));
  places.forEach((one, index) => {
    for (const other of places.slice(index + 1)) {
      if (one.control.contains(other.control) || one.float !== other.float) continue;
      if (one.lines.some((a) => other.lines.some((b) => meet(a, b)))) found.add(`${name(one.control)} lies over ${name(other.control)}`);
    }
    for (const { parent, float, lines } of texts) {
      if (one.control.contains(parent) || one.float !== float) continue;
      if (one.lines.some((a) => lines.some((b) => meet(a, b)))) found.add(`${name(one.control)} lies over the words ${name(parent)}`);
    }
  });

  /* Nothing scrolls sideways or sticks out of the page's column. */
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) found.add(`scrolls sideways: ${page.scrollWidth} px`);
  const style = styleOf(main);
  const column = main.getBoundingClientRect();
  const [left, right] = [column.left + parseFloat(style.paddingLeft), column.right - parseFloat(style.paddingRight)];
  for (const { control, float, lines } of places) {
    if (!main.contains(control) || float) continue;
    if (lines.some((box) => box.left < left - 1 || box.right > right + 1)) found.add(`${name(control)} sticks out of the page`);
  }

  /* What there is to read and to click, if it filled a quarter of the column. */
  const area = (lines) => lines.reduce((sum, box) => sum + box.width * box.height, 0);
  const filled = [...texts, ...places].reduce((sum, { lines }) => sum + area(lines), 0);
  return { problems: [...found], height: page.scrollHeight, room: innerHeight + (4 * filled) / (right - left) };
}

/** Has what is selected copied as it was sent: symbols stand for characters on screen only. */
export function copyExactly(window: Window): void {
  const { document } = window;
  document.addEventListener("copy", (event) => {
    const selection = window.getSelection();
    if (event.defaultPrevented || !event.clipboardData || !selection || selection.isCollapsed) {
      return;
    }
    const symbols = [...document.querySelectorAll<HTMLElement>(".unseen[data-exact]")].filter(
      (element) => element.checkVisibility() && selection.containsNode(element, true),
    );
    const text = symbols.length > 0 ? exactText(selection, symbols) : null;
    if (text !== null) {
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
    }
  });
}

/** The text of a selection as the browser lays it out, but for symbols; null if they are not found in it again. */
function exactText(selection: Selection, symbols: HTMLElement[]): string | null {
  // A selection that begins or ends within symbols takes all of them.
  const range = selection.getRangeAt(0);
  const [first, last] = [symbols[0], symbols.at(-1)];
  if (first?.contains(range.startContainer)) {
    range.setStartBefore(first);
  }
  if (last?.contains(range.endContainer)) {
    range.setEndAfter(last);
  }
  const mark = unusedIn(selection.toString());
  const texts = symbols.map((element) => element.firstChild as Text);
  const shown = texts.map((text) => text.data);
  for (const text of texts) {
    text.data = mark;
  }
  const parts = selection.toString().split(mark);
  texts.forEach((text, index) => {
    text.data = shown[index] ?? "";
  });
  return parts.length === symbols.length + 1
    ? parts.map((part, index) => part + (symbols[index]?.dataset.exact ?? "")).join("")
    : null;
}

/** A character for private use that a text does not hold. */
function unusedIn(text: string): string {
  let code = 0xe000;
  while (text.includes(String.fromCharCode(code)) && code < 0xf8ff) {
    code += 1;
  }
  return String.fromCharCode(code);
}

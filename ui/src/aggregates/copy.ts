/**
 * What of a table is selected as text, cells apart by tabs, numbers with all their digits; null when it is a part of
 * one cell only.
 */
export function copiedTable(selection: Selection | null): string | null {
  if (!selection || selection.rangeCount === 0 || selection.isCollapsed) {
    return null;
  }
  const range = selection.getRangeAt(0);
  const rows = [...range.cloneContents().querySelectorAll("tr")];
  if (rows.length > 0) {
    return rows.map(rowText).join("\n");
  }
  const around = range.commonAncestorContainer;
  const element = around instanceof Element ? around : around.parentElement;
  const cell = element?.closest("td");
  if (cell) {
    return selection.toString().trim() === cell.textContent ? cellText(cell) : null;
  }
  const row = element?.closest("tr");
  return row ? rowText({ children: range.cloneContents().children }) : null;
}

function rowText(row: { children: HTMLCollection }): string {
  return [...row.children].map(cellText).join("\t");
}

function cellText(cell: Element): string {
  return cell.getAttribute("data-exact") ?? cell.getAttribute("title") ?? cell.textContent ?? "";
}

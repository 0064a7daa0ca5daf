import type { SyntaxNode } from "@lezer/common";

import { plainText } from "../spelling";
import { childrenOf, parse } from "../syntax";

/** How the columns of the table may be written that the pipes of `query` make; null when these give events. */
export function columnsOf(query: string): string[] | null {
  const textOf = (node: SyntaxNode) => query.slice(node.from, node.to);
  let columns: string[] | null = null;
  for (const pipe of childrenOf(parse(query).topNode)) {
    const names = pipe.getChildren("Name").map(textOf);
    switch (pipe.name) {
      case "Top":
        columns = [...names, "count"];
        break;
      case "Stats":
      case "Timechart": {
        const calls = pipe.getChildren("Call").map((call) => columnOf(call, textOf));
        const start = pipe.name === "Timechart" ? ["timestamp"] : [];
        const isCounted = pipe.name === "Timechart" && calls.length === 0;
        columns = [...start, ...names, ...calls, ...(isCounted ? ["count()"] : [])];
        break;
      }
      case "Fields":
        if (columns)
          columns = childrenOf(pipe)
            .filter((child) => ["Name", "Column"].includes(child.name))
            .map(textOf);
        break;
    }
  }
  return columns;
}

function columnOf(call: SyntaxNode, textOf: (node: SyntaxNode) => string): string {
  const alias = call.getChild("As")?.nextSibling;
  if (alias) return textOf(alias);
  const name = call.getChild("FunctionName");
  const field = call.getChild("Name");
  return `${name ? textOf(name).toLowerCase() : ""}(${field ? textOf(field) : ""})`;
}

/** The name of a column without quotes, to be shown. */
export function shownColumn(column: string): string {
  return column.startsWith('"') ? plainText(column) : column;
}

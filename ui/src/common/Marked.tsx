import type { ReactNode } from "react";
import type { Highlighter } from "../language/index";
import { Shown } from "./Shown";

/** What is looked at for matches; the rest of a very long text is shown without marks. */
const LOOKED_AT = 20_000;

interface MarkedProps {
  text: string;
  field: string | null;
  highlighter: Highlighter;
}

/** A text with the parts that the query found marked. */
export function Marked({ text, field, highlighter }: MarkedProps) {
  const ranges = highlighter.ranges(
    text.length > LOOKED_AT ? text.slice(0, LOOKED_AT) : text,
    field,
  );
  if (ranges.length === 0) {
    return <Shown text={text} />;
  }
  const parts: ReactNode[] = [];
  let at = 0;
  for (const { from, to } of ranges) {
    if (from < at || to <= from) {
      continue;
    }
    parts.push(
      <Shown key={parts.length} text={text.slice(at, from)} />,
      <mark key={parts.length + 1}>
        <Shown text={text.slice(from, to)} />
      </mark>,
    );
    at = to;
  }
  parts.push(<Shown key={parts.length} text={text.slice(at)} />);
  return parts;
}

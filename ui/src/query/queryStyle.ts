import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";

/** Colours of the parts of a query, from the page's own custom properties. */
export const queryStyle = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--syntax-field)" },
    { tag: tags.logicOperator, color: "var(--syntax-operator)", fontWeight: "600" },
    { tag: tags.operatorKeyword, color: "var(--syntax-operator)" },
    { tag: tags.compareOperator, color: "var(--syntax-operator)" },
    { tag: tags.keyword, color: "var(--syntax-pipe)", fontWeight: "600" },
    { tag: tags.separator, color: "var(--syntax-pipe)", fontWeight: "600" },
    { tag: tags.function(tags.variableName), color: "var(--syntax-function)" },
    { tag: tags.string, color: "var(--syntax-string)" },
    { tag: tags.regexp, color: "var(--syntax-regex)" },
    { tag: tags.special(tags.string), color: "var(--syntax-operator)", fontWeight: "600" },
    { tag: tags.number, color: "var(--syntax-number)" },
    { tag: tags.literal, color: "var(--syntax-number)" },
    { tag: tags.punctuation, color: "var(--text-muted)" },
  ]),
);

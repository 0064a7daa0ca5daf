import { LRLanguage, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { classHighlighter } from "@lezer/highlight";

import { parser } from "./generated/parser";

const language = LRLanguage.define({
  name: "trawl",
  parser,
  languageData: { closeBrackets: { brackets: ["(", "[", '"'] } },
});

/** The query language for an editor. Its parts get the classes `tok-…`, which a theme styles. */
export function trawlLanguage(): Extension {
  return new LanguageSupport(language, [syntaxHighlighting(classHighlighter)]);
}

import {
  Language,
  LanguageSupport,
  defineLanguageFacet,
  languageDataProp,
  syntaxHighlighting,
} from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { Parser, type Input, type PartialParse } from "@lezer/common";
import { classHighlighter } from "@lezer/highlight";

import { parser } from "./generated/parser";

const data = defineLanguageFacet({ closeBrackets: { brackets: ["(", "[", '"'] } });
const withData = parser.configure({ props: [languageDataProp.add((type) => (type.isTop ? data : undefined))] });

/**
 * Reads every query anew. A text may mean something else after a change far before it (`a:b` is one word inside of
 * `f:( … )` and a field outside), so no part of an old tree may be taken over; and queries are short.
 */
class WholeParser extends Parser {
  override createParse(input: Input, _old: unknown, ranges: readonly { from: number; to: number }[]): PartialParse {
    return withData.createParse(input, [], ranges);
  }
}

const language = new Language(data, new WholeParser(), [], "trawl");

/** The query language for an editor. Its parts get the classes `tok-…`, which a theme styles. */
export function trawlLanguage(): Extension {
  return new LanguageSupport(language, [syntaxHighlighting(classHighlighter)]);
}

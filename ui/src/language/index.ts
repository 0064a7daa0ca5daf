// The query language in the browser: an editor's language, completion and errors; marks in results; changes by click.

export { addFilter } from "./addFilter";
export { endCompletion, trawlCompletion, type CompletionProvider } from "./completion";
export { highlightsOf, type Highlighter } from "./highlights";
export { trawlLanguage } from "./language";
export { queryErrors } from "./lint";
export { outputOf } from "./output";
export { quoteField, quoteValue } from "./spelling";

import { styleTags, tags } from "@lezer/highlight";

/** Which part of a query gets which style. */
export const highlighting = styleTags({
  "AndOperator OrOperator NotOperator Minus": tags.logicOperator,
  "To As By Order": tags.operatorKeyword,
  "ExactOperator CompareOperator": tags.compareOperator,
  FieldName: tags.propertyName,
  "Name ColumnName": tags.propertyName,
  "Phrase UnclosedQuote": tags.string,
  "Regex UnclosedRegex": tags.regexp,
  "Star OpenEnd": tags.special(tags.string),
  "Word Wildcard Dangling TooManyParts": tags.content,
  Operand: tags.literal,
  PipeName: tags.keyword,
  FunctionName: tags.function(tags.variableName),
  "Count Duration": tags.number,
  "( )": tags.paren,
  "[ ]": tags.squareBracket,
  ", |": tags.separator,
  ":": tags.punctuation,
});

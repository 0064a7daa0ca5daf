import {
  acceptCompletion,
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  closeCompletion,
  completionStatus,
  selectedCompletionIndex,
  setSelectedCompletion,
} from "@codemirror/autocomplete";
import { type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";

import { LEVEL_FIELDS } from "../vocabulary";
import { columnsOf } from "./columns";
import * as options from "./options";
import { placeAtEnd, type Place } from "./place";

/** Where the names of fields and their values come from. */
export interface CompletionProvider {
  fields(): Promise<{ name: string; types: string[]; coverage: number }[]>;
  values(field: string, prefix: string): Promise<{ value: string; count: number }[]>;
}

/** Offers what may stand at the cursor: fields, values, operators, pipes and what these take. */
export function trawlCompletion(source: CompletionProvider): Extension {
  return [completing(source), Prec.high(keymap.of([{ key: "Tab", run: acceptFirst }])), closedWithoutFocus];
}

function completing(source: CompletionProvider): Extension {
  return autocompletion({
    override: [(context) => complete(context, source)],
    // Enter is for the whole query unless an option was chosen.
    selectOnOpen: false,
    // After a field's name its values are offered at once.
    activateOnCompletion: ({ apply }) => typeof apply === "string" && /[:( ]$/.test(apply),
    icons: false,
  });
}

/** Takes the option that was chosen, or else the first. */
function acceptFirst(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (selectedCompletionIndex(view.state) === null) view.dispatch({ effects: setSelectedCompletion(0) });
  acceptCompletion(view);
  return true;
}

/** Closes the list of options, also one that would only open in a moment. */
export function endCompletion(view: EditorView): void {
  closeCompletion(view);
}

/** Who went elsewhere, to the button that searches for example, wants no list to open behind them. */
const closedWithoutFocus = EditorView.domEventHandlers({
  blur: (event, view) => {
    if (!(event.relatedTarget instanceof Node && view.dom.contains(event.relatedTarget))) {
      setTimeout(() => endCompletion(view));
    }
  },
});

export async function complete(
  context: CompletionContext,
  source: CompletionProvider,
): Promise<CompletionResult | null> {
  const text = context.state.sliceDoc(0, context.pos);
  const place = placeAtEnd(text);
  if (place === null || (isQuiet(place) && !context.explicit)) return null;
  const offered = await offers(place, text, source);
  // The provider may have taken long: the answer is then for a text that is no more.
  if (context.aborted) return null;
  const found = place.kind === "value" ? offered : matching(offered, place.text);
  if (found.length === 0) return null;
  return { from: place.from, to: context.pos + closingQuote(context, text, place), options: found, filter: false };
}

/** Where nothing was typed and anything may stand, nothing is offered unasked. */
function isQuiet(place: Place): boolean {
  return place.text === "" && place.kind === "item";
}

async function offers(place: Place, text: string, source: CompletionProvider): Promise<Completion[]> {
  switch (place.kind) {
    case "item": {
      const operators = place.mayJoin ? ["AND", "OR", "NOT"] : ["NOT"];
      return [...options.fieldOptions(await settled(source.fields())), ...options.wordOptions(operators)];
    }
    case "value":
      return valueOffers(place, source);
    case "pipe":
      return options.pipeOptions(place.isFirst);
    case "function":
      return options.functionOptions(place.words);
    case "name": {
      const columns = place.mayBeColumn ? columnsOf(text.slice(0, place.bar)) : null;
      if (columns) return options.columnOptions(columns);
      return options.nameOptions(await settled(source.fields()), place.isFirstOfTop);
    }
    case "duration":
      return options.durationOptions();
    case "words":
      return options.wordOptions(place.words);
  }
}

async function valueOffers(
  place: Extract<Place, { kind: "value" }>,
  source: CompletionProvider,
): Promise<Completion[]> {
  const isLevel = (LEVEL_FIELDS as readonly string[]).includes(place.field);
  const values = place.form === "ordered" ? [] : await settled(source.values(place.field, place.text));
  const levels = isLevel ? matching(options.levelOptions(place.form, values), place.text) : [];
  const operators = place.mayJoin ? matching(options.wordOptions(["AND", "OR", "NOT"]), place.text) : [];
  return [...options.valueOptions(values, place.form), ...levels, ...operators];
}

/** A provider that fails offers nothing. */
async function settled<Item>(items: Promise<Item[]>): Promise<Item[]> {
  try {
    return await items;
  } catch {
    return [];
  }
}

/** What holds the text typed: first what begins with it. Letter case is ignored. */
function matching(offered: Completion[], typed: string): Completion[] {
  const wanted = typed.toLowerCase();
  const found = offered.filter(({ label }) => label.toLowerCase().includes(wanted));
  const begins = (completion: Completion) => completion.label.toLowerCase().startsWith(wanted);
  return [...found.filter(begins), ...found.filter((completion) => !begins(completion))];
}

/** An editor that closes quotes by itself has put one behind the cursor: it is replaced too. */
function closingQuote(context: CompletionContext, text: string, place: Place): number {
  const isQuoted = text.charAt(place.from) === '"';
  return isQuoted && context.state.sliceDoc(context.pos, context.pos + 1) === '"' ? 1 : 0;
}

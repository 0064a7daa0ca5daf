import type { Client, Range } from "../api/client";
import { displayText } from "../json/value";
import type { CompletionProvider } from "../language/index";

const FIELDS_KEPT_MS = 60_000;

/** Fields and values for completion, of the time range that is chosen; the list of fields is kept for a minute. */
export function completionSource(client: Client, range: () => Range): CompletionProvider {
  let kept: {
    key: string;
    until: number;
    fields: ReturnType<CompletionProvider["fields"]>;
  } | null = null;
  return {
    fields() {
      const key = JSON.stringify(range());
      if (kept?.key !== key || kept.until < Date.now()) {
        const fields = client.fields(range()).then((list) =>
          list.fields.map(({ name, types }) => ({
            name,
            types: Object.keys(types),
            coverage: list.events
              ? Object.values(types).reduce((sum, count) => sum + count, 0) / list.events
              : 0,
          })),
        );
        fields.catch(() => {
          kept = null;
        });
        kept = { key, until: Date.now() + FIELDS_KEPT_MS, fields };
      }
      return kept.fields;
    },
    async values(field, prefix) {
      const { values } = await client.fieldValues(field, prefix, range());
      return values.map(({ value, count }) => ({ value: displayText(value), count }));
    },
  };
}

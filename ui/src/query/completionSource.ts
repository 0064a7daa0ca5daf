import type { Client, Range } from "../api/client";
import { displayText } from "../json/value";
import type { CompletionProvider } from "../language/index";

const FIELDS_KEPT_MS = 60_000;

/**
 * Fields and values for completion: those of the time range that is chosen, or of all time when it has none. The
 * list of fields is kept for a minute.
 */
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
        const fields = fieldsOf(client, range());
        fields.catch(() => {
          kept = null;
        });
        kept = { key, until: Date.now() + FIELDS_KEPT_MS, fields };
      }
      return kept.fields;
    },
    async values(field, prefix) {
      const inRange = await client.fieldValues(field, prefix, range());
      const { values } =
        inRange.values.length > 0 ? inRange : await client.fieldValues(field, prefix, {});
      return values.map(({ value, count }) => ({ value: displayText(value), count }));
    },
  };
}

async function fieldsOf(client: Client, range: Range): ReturnType<CompletionProvider["fields"]> {
  const inRange = await client.fields(range);
  const list = inRange.fields.length > 0 ? inRange : await client.fields({});
  return list.fields.map(({ name, types }) => ({
    name,
    types: Object.keys(types),
    coverage: list.events
      ? Object.values(types).reduce((sum, count) => sum + count, 0) / list.events
      : 0,
  }));
}

import { JsonObject, type JsonValue } from "../json/value";

/** Names under which the fields that every event may have are sent; the first that is there counts. */
export const ALIASES: Record<string, readonly string[]> = {
  timestamp: ["timestamp", "@timestamp", "time", "ts"],
  message: ["message", "msg", "log", "body"],
  level: ["level", "severity", "lvl", "log.level"],
  service: ["service", "service.name"],
};

/** Every value that a dotted name means: keys may hold dots, arrays are transparent. */
export function valuesAt(value: JsonValue, path: string): JsonValue[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => valuesAt(item, path));
  }
  if (!(value instanceof JsonObject)) {
    return [];
  }
  const found: JsonValue[] = [];
  for (const [key, member] of value.entries) {
    if (key === path) {
      found.push(member);
    } else if (path.startsWith(key) && path[key.length] === ".") {
      found.push(...valuesAt(member, path.slice(key.length + 1)));
    }
  }
  return found;
}

/** The first value of a field; the fields that every event may have are found under their other names too. */
export function fieldOf(root: JsonObject, name: string): JsonValue | undefined {
  for (const spelling of ALIASES[name] ?? [name]) {
    const values = valuesAt(root, spelling);
    if (values.length > 0) {
      return values.length === 1 ? values[0] : values;
    }
  }
  return undefined;
}

/** The dotted names of an object's fields with their values; arrays and empty objects as a whole. */
export function leavesOf(root: JsonObject, prefix = ""): [path: string, value: JsonValue][] {
  return root.entries.flatMap(([key, value]) => {
    const path = prefix + key;
    return value instanceof JsonObject && value.entries.length > 0
      ? leavesOf(value, `${path}.`)
      : [[path, value] as [string, JsonValue]];
  });
}

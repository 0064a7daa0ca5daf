/** Names under which one canonical field may be sent, each group with the canonical name first. */
const ALIASES = [
  ["timestamp", "@timestamp", "time", "ts"],
  ["message", "msg", "log", "body"],
  ["level", "severity", "lvl", "log.level"],
  ["service", "service.name"],
];

/** Whether two names may mean the same field of an event. */
export function mayBeSameField(one: string, other: string): boolean {
  return one === other || ALIASES.some((names) => names.includes(one) && names.includes(other));
}

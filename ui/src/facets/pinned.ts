import { Store } from "../common/store";

const STORAGE_KEY = "trawl.pinned-facets";
/** The server takes twenty, two of them are always there. */
const MOST = 18;
export const ALWAYS: readonly string[] = ["level", "service"];

/** The fields whose values a person wants to see beside results; kept in this browser. */
export class PinnedFacets {
  readonly store: Store<string[]>;
  private readonly storage: Pick<Storage, "getItem" | "setItem">;

  constructor(storage: Pick<Storage, "getItem" | "setItem">) {
    this.storage = storage;
    let kept: unknown = [];
    try {
      kept = JSON.parse(storage.getItem(STORAGE_KEY) ?? "[]");
    } catch {
      // What was kept cannot be read: nothing is pinned.
    }
    const names = Array.isArray(kept) ? kept.filter((name) => typeof name === "string") : [];
    this.store = new Store<string[]>(names);
  }

  add(field: string): void {
    this.keep([...this.store.get().filter((name) => name !== field), field].slice(-MOST));
  }

  remove(field: string): void {
    this.keep(this.store.get().filter((name) => name !== field));
  }

  private keep(names: string[]): void {
    this.storage.setItem(STORAGE_KEY, JSON.stringify(names));
    this.store.set(names);
  }
}

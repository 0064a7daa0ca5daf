import { Store } from "../common/store";

const STORAGE_KEY = "trawl.recent-queries";
const KEPT = 50;

export interface RecentQuery {
  query: string;
  from: string | null;
  to: string | null;
}

/** The queries that were asked for in this browser, the newest first. */
export class QueryHistory {
  readonly store: Store<RecentQuery[]>;
  private readonly storage: Pick<Storage, "getItem" | "setItem">;

  constructor(storage: Pick<Storage, "getItem" | "setItem">) {
    this.storage = storage;
    this.store = new Store(read(storage.getItem(STORAGE_KEY)));
  }

  add(recent: RecentQuery): void {
    const others = this.store.get().filter((item) => item.query !== recent.query);
    const kept = [recent, ...others].slice(0, KEPT);
    this.storage.setItem(STORAGE_KEY, JSON.stringify(kept));
    this.store.set(kept);
  }

  clear(): void {
    this.storage.setItem(STORAGE_KEY, "[]");
    this.store.set([]);
  }
}

function read(text: string | null): RecentQuery[] {
  try {
    const kept: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(kept)
      ? kept.filter((item): item is RecentQuery => typeof item?.query === "string")
      : [];
  } catch {
    return [];
  }
}

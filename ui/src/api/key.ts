const STORAGE_KEY = "trawl.api-key";

/** The API key: kept for this tab only, asked for when the server wants one. */
export class ApiKey {
  private value: string | null;
  private readonly storage: Pick<Storage, "setItem"> | null;
  private listeners = new Set<() => void>();
  private question: {
    reason: string;
    answer: (given: boolean) => void;
    asked: Promise<boolean>;
  } | null = null;

  constructor(storage: Pick<Storage, "getItem" | "setItem"> | null) {
    this.storage = storage;
    this.value = storage?.getItem(STORAGE_KEY) ?? null;
  }

  current(): string | null {
    return this.value;
  }

  /** Asks for another key than `refused`; resolves to whether there is one now. All who ask wait for one answer. */
  ask(refused: string | null, reason: string): Promise<boolean> {
    if (this.value !== refused) {
      return Promise.resolve(true);
    }
    if (this.question) {
      return this.question.asked;
    }
    let answer: (given: boolean) => void = () => {};
    const asked = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    this.question = { reason, answer, asked };
    this.notify();
    return asked;
  }

  /** Why a key is being asked for; null when none is. */
  readonly pendingReason = (): string | null => this.question?.reason ?? null;

  /** The answer to the question; null declines. */
  give(key: string | null): void {
    if (key !== null) {
      this.value = key;
      this.storage?.setItem(STORAGE_KEY, key);
    }
    const question = this.question;
    this.question = null;
    question?.answer(key !== null);
    this.notify();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private notify(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}

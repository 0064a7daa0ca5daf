const STORAGE_KEY = "trawl.credential";

/** Why a credential is asked for. */
export interface Question {
  /** Of the answer that asks; null when no answer does, as after a sign-in that failed. */
  code: string | null;
  message: string;
}

/**
 * What a request goes with: an API key, or the token of a sign-in. It is kept for this tab only, and asked for when
 * the server wants one.
 */
export class Credential {
  private value: string | null;
  private readonly storage: Pick<Storage, "setItem" | "removeItem"> | null;
  private listeners = new Set<() => void>();
  private declines = 0;
  private coming: Promise<void> | null = null;
  private asked: {
    question: Question;
    answer: (given: boolean) => void;
    answered: Promise<boolean>;
  } | null = null;

  constructor(storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null) {
    this.storage = storage;
    this.value = storage?.getItem(STORAGE_KEY) ?? null;
  }

  readonly current = (): string | null => this.value;

  /** The credential, once a sign-in that is under way has ended. */
  async settled(): Promise<string | null> {
    await this.coming;
    return this.value;
  }

  /** Requests wait for the token of a sign-in; when there comes none, the reason is told and another asked for. */
  async receive(token: Promise<string>): Promise<void> {
    this.coming = token.then(
      (value) => this.give(value),
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        void this.ask(this.value, { code: null, message });
      },
    );
    await this.coming;
    this.coming = null;
  }

  /** How often the question was declined so far. */
  readonly declined = (): number => this.declines;

  /**
   * Asks for another than `refused`; resolves to whether there is one now. All who ask wait for one answer. A request
   * that was sent before the question was declined, `declined` times until then, does not bring it up again.
   */
  ask(
    refused: string | null,
    question: Question,
    declined: number = this.declines,
  ): Promise<boolean> {
    if (this.value !== refused) {
      return Promise.resolve(true);
    }
    if (this.asked) {
      return this.asked.answered;
    }
    if (this.declines !== declined) {
      return Promise.resolve(false);
    }
    let answer: (given: boolean) => void = () => {};
    const answered = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    this.asked = { question, answer, answered };
    this.notify();
    return answered;
  }

  /** Why a credential is being asked for; null when none is. */
  readonly question = (): Question | null => this.asked?.question ?? null;

  /** The answer to the question; null declines. */
  give(value: string | null): void {
    if (value !== null) {
      this.value = value;
      this.storage?.setItem(STORAGE_KEY, value);
    } else {
      this.declines += 1;
    }
    const { asked } = this;
    this.asked = null;
    asked?.answer(value !== null);
    this.notify();
  }

  forget(): void {
    this.value = null;
    this.storage?.removeItem(STORAGE_KEY);
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

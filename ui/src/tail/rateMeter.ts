const WINDOW_MS = 5_000;

/** Events a second over the last five seconds. */
export class RateMeter {
  private readonly now: () => number;
  private readonly startedAt: number;
  private counts: { at: number; count: number }[] = [];

  constructor(now: () => number) {
    this.now = now;
    this.startedAt = now();
  }

  add(count: number): void {
    this.counts.push({ at: this.now(), count });
  }

  perSecond(): number {
    const now = this.now();
    this.counts = this.counts.filter((item) => item.at > now - WINDOW_MS);
    const total = this.counts.reduce((sum, item) => sum + item.count, 0);
    const seconds = Math.min(WINDOW_MS, Math.max(1_000, now - this.startedAt)) / 1_000;
    return total / seconds;
  }
}

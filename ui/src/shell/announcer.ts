import { Store } from "../common/store";
import { visible } from "../common/unseen";

const SHOWN_MS = 2_500;

/** Short messages: shown for a moment, and read out. */
export class Announcer {
  readonly store = new Store("");
  private timer: ReturnType<typeof setTimeout> | undefined;

  say(message: string): void {
    clearTimeout(this.timer);
    this.store.set(visible(message));
    this.timer = setTimeout(() => this.store.set(""), SHOWN_MS);
  }
}

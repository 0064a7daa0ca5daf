import { Store } from "../common/store";
import { searchOf, type ViewState, viewOf } from "./state";

/** The view that the address bar holds. Back and forward of the browser step through views. */
export class Address {
  readonly store: Store<ViewState>;
  private readonly window: Window;
  /** Steps back that stay within Trawl. */
  readonly steps = new Store(0);

  constructor(window: Window) {
    this.window = window;
    this.store = new Store(viewOf(window.location.search));
    this.steps.set(stepsOf(window.history.state));
    window.addEventListener("popstate", (event) => {
      this.steps.set(stepsOf(event.state));
      this.store.set(viewOf(window.location.search));
    });
  }

  /** Goes to another view; the one before stays in the history. */
  push(part: Partial<ViewState>): void {
    const view = { ...this.store.get(), ...part };
    const steps = this.steps.get() + 1;
    this.window.history.pushState({ steps }, "", this.pathOf(view));
    this.steps.set(steps);
    this.store.set(view);
  }

  /** Changes how the same view looks. */
  replace(part: Partial<ViewState>): void {
    const view = { ...this.store.get(), ...part };
    this.window.history.replaceState({ steps: this.steps.get() }, "", this.pathOf(view));
    this.store.set(view);
  }

  back(): void {
    this.window.history.back();
  }

  /** The link of a view, with its host. */
  linkTo(part: Partial<ViewState>): string {
    return this.window.location.origin + this.pathOf({ ...this.store.get(), ...part });
  }

  private pathOf(view: ViewState): string {
    return this.window.location.pathname + searchOf(view);
  }
}

function stepsOf(state: unknown): number {
  const steps = (state as { steps?: unknown } | null)?.steps;
  return typeof steps === "number" ? steps : 0;
}

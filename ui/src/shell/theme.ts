import { Store } from "../common/store";

export type ThemeChoice = "system" | "light" | "dark";

const STORAGE_KEY = "trawl.theme";

/** Light or dark: as the system has it, unless one was chosen. */
export class Theme {
  readonly choice: Store<ThemeChoice>;
  /** What is shown now; those who draw on a canvas watch it. */
  readonly shown: Store<"light" | "dark">;
  private readonly window: Window;
  private readonly system: MediaQueryList;

  constructor(window: Window) {
    this.window = window;
    this.system = window.matchMedia("(prefers-color-scheme: dark)");
    const kept = window.localStorage.getItem(STORAGE_KEY);
    this.choice = new Store<ThemeChoice>(kept === "light" || kept === "dark" ? kept : "system");
    this.shown = new Store<"light" | "dark">("light");
    this.system.addEventListener("change", () => this.apply());
    this.apply();
  }

  choose(choice: ThemeChoice): void {
    this.window.localStorage.setItem(STORAGE_KEY, choice);
    this.choice.set(choice);
    this.apply();
  }

  private apply(): void {
    const choice = this.choice.get();
    const shown = choice === "system" ? (this.system.matches ? "dark" : "light") : choice;
    this.window.document.documentElement.dataset.theme = shown;
    this.shown.set(shown);
  }
}

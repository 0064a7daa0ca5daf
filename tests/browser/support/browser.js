import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CHROMIUM, ROOT } from "./programs.js";

/** Where pictures of failed tests go. */
const PICTURES = join(ROOT, "target/browser");
const TIMEOUT_MS = 120_000;

let launching = null;

function browser() {
  launching ??= chromium.launch({ executablePath: CHROMIUM });
  return launching;
}

export async function closeBrowser() {
  await (await launching)?.close();
}

/** A page of its own with what it says and asks for. */
export class Visit {
  page;
  /** What the console says, and errors that nobody caught. */
  said = [];
  uncaught = [];
  /** Breaches of the page's own security policy. */
  violations = [];
  /** Requests as `METHOD url`. */
  requests = [];
  #context;

  static async begin(options = {}) {
    const visit = new Visit();
    const { viewport = { width: 1280, height: 800 }, ...rest } = options;
    visit.#context = await (await browser()).newContext({ viewport, locale: "en-GB", ...rest });
    visit.page = await visit.#context.newPage();
    visit.page.setDefaultTimeout(TIMEOUT_MS);
    await visit.#listen();
    return visit;
  }

  async #listen() {
    const { page } = this;
    await page.exposeFunction("reportViolation", (text) => this.violations.push(text));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.said.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
      if (/content security policy/i.test(message.text())) {
        this.violations.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.uncaught.push(String(error.stack ?? error)));
    page.on("request", (request) => this.requests.push(`${request.method()} ${request.url()}`));
  }

  /** What holds for every visit: nothing was let slip, blocked by policy or asked of another host. */
  faults(origins) {
    const foreign = this.requests.filter((request) => {
      const { origin: asked, protocol } = new URL(request.split(" ")[1]);
      return !origins.includes(asked) && protocol !== "data:" && protocol !== "blob:";
    });
    return {
      uncaught: this.uncaught,
      violations: this.violations,
      foreign,
    };
  }

  /** Tells what the page said and keeps a picture of it. */
  async report(name) {
    const file = join(PICTURES, `${name.replace(/\W+/g, "-").toLowerCase()}.png`);
    await mkdir(PICTURES, { recursive: true });
    const lines = [...this.said, ...this.uncaught, ...this.violations];
    console.error(`${name}: at ${this.page.url()}\n${lines.map((line) => `  ${line}\n`).join("")}`);
    try {
      await this.page.screenshot({ path: file, timeout: 10_000 });
      console.error(`  picture: ${file}`);
    } catch (error) {
      console.error(`  no picture: ${error.message}`);
    }
  }

  async end() {
    await this.#context.close();
  }
}

import { JsonNumber, JsonObject, type JsonValue } from "./value";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Parses JSON; numbers keep their spelling, objects their members' order. Throws `SyntaxError`. */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value();
  parser.end();
  return value;
}

class Parser {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(): JsonValue {
    this.space();
    switch (this.text[this.at]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) {
      this.fail();
    }
  }

  private object(): JsonObject {
    const entries: [string, JsonValue][] = [];
    this.at += 1;
    if (this.peek("}")) {
      return new JsonObject(entries);
    }
    do {
      this.space();
      const key = this.string();
      if (!this.peek(":")) {
        this.fail();
      }
      entries.push([key, this.value()]);
    } while (this.peek(","));
    if (!this.peek("}")) {
      this.fail();
    }
    return new JsonObject(entries);
  }

  private array(): JsonValue[] {
    const items: JsonValue[] = [];
    this.at += 1;
    if (this.peek("]")) {
      return items;
    }
    do {
      items.push(this.value());
    } while (this.peek(","));
    if (!this.peek("]")) {
      this.fail();
    }
    return items;
  }

  private string(): string {
    const start = this.at;
    if (this.text[start] !== '"') {
      this.fail();
    }
    let close = start;
    let escaped = false;
    for (;;) {
      close = this.text.indexOf('"', close + 1);
      if (close < 0) {
        this.fail();
      }
      let backslashes = 0;
      while (this.text[close - 1 - backslashes] === "\\") {
        backslashes += 1;
      }
      escaped ||= backslashes > 0;
      if (backslashes % 2 === 0) {
        break;
      }
    }
    this.at = close + 1;
    const inner = this.text.slice(start + 1, close);
    return escaped || inner.includes("\\") ? (JSON.parse(`"${inner}"`) as string) : inner;
  }

  private number(): JsonNumber {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) {
      this.fail();
    }
    this.at += match[0].length;
    return new JsonNumber(match[0]);
  }

  private word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) {
      this.fail();
    }
    this.at += word.length;
    return value;
  }

  private peek(char: string): boolean {
    this.space();
    if (this.text[this.at] !== char) {
      return false;
    }
    this.at += 1;
    return true;
  }

  private space(): void {
    while (this.at < this.text.length && this.text.charCodeAt(this.at) <= 0x20) {
      this.at += 1;
    }
  }

  private fail(): never {
    throw new SyntaxError(`invalid JSON at character ${this.at}`);
  }
}

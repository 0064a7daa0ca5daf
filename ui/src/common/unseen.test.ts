import { describe, expect, it } from "vitest";
import { namesOf, piecesOf, visible, visibleJson } from "./unseen";

const ESC = "\u001b";

describe("what is not seen", () => {
  it("is shown as a symbol: controls by their picture, all else by its name", () => {
    expect(visible(`${ESC}[31mred${ESC}[0m`)).toBe("␛[31mred␛[0m");
    expect(visible("a\0b\u0007c\u007fd\u009be")).toBe("a␀b␇c␡d‹U+009B›e");
    expect(visible("paid \u202e001$\u202c")).toBe("paid ‹U+202E›001$‹U+202C›");
    expect(visible("ad\u200bmin \ufeffx\u00ad\u2066\u2028")).toBe(
      "ad‹U+200B›min ‹U+FEFF›x‹U+00AD›‹U+2066›‹U+2028›",
    );
    expect(visible("a\u{e0041}\u{e0101}\ud800b")).toBe("a‹U+E0041›‹U+E0101›‹U+D800›b");
  });
  it("is shown where a line could be overwritten, but not where lines end", () => {
    expect(visible("paid\rfree")).toBe("paid␍free");
    expect(visible("one\r\ntwo\n\tthree")).toBe("one\r\ntwo\n\tthree");
  });
  it("is left where it is a part of what is seen", () => {
    for (const text of [
      "👩‍👩‍👧 ❤️ 1️⃣ 👍🏽",
      "می‌خواهم",
      "क्‍ष",
      "naïve — 日本語 한국어 Ω Ж",
      "a\u00a0b",
    ]) {
      expect(visible(text)).toBe(text);
    }
    expect(visible("ad\u200dmin")).toBe("ad‹U+200D›min");
  });
  it("is told by name", () => expect(namesOf("\u202e\0\0")).toBe("U+202E U+0000"));
});

describe("the parts of a text", () => {
  it("give the text as it was", () => {
    const text = `a${ESC}${ESC}b\u202e`;
    expect(piecesOf(text)).toEqual([
      { text: "a", symbols: null },
      { text: ESC + ESC, symbols: "␛␛" },
      { text: "b", symbols: null },
      { text: "\u202e", symbols: "‹U+202E›" },
    ]);
    expect(piecesOf("plain")).toEqual([{ text: "plain", symbols: null }]);
    expect(piecesOf("")).toEqual([{ text: "", symbols: null }]);
  });
  it("are not more than a page can hold", () => {
    const utf16 = "l\0o\0g\0".repeat(100_000);
    const pieces = piecesOf(utf16);
    expect(pieces.length).toBeLessThan(3_000);
    expect(pieces.map((piece) => piece.text).join("")).toBe(utf16);
    expect(pieces.map((piece) => piece.symbols ?? piece.text).join("")).toBe(visible(utf16));
  });
});

it("is written as an escape in JSON, which means the same", () => {
  const value = { "ke\u202ey": `${ESC}[0m\u200b \u{e0041} 👩‍👧 \ud800` };
  const shown = visibleJson(JSON.stringify(value));
  expect(shown).toContain("ke\\u202ey");
  expect(shown).toContain("\\u200b \\udb40\\udc41 👩‍👧");
  expect(JSON.parse(shown)).toEqual(value);
});

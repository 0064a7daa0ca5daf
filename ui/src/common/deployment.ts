/**
 * Whether the server still has the page as it was loaded, or another version of it, whose parts have other names; or
 * does not answer at all.
 */
export async function deployedVersion(): Promise<"same" | "other" | "away"> {
  const own = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) {
      return "away";
    }
    const page = await answer.text();
    return own === null || page.includes(own.getAttribute("src") ?? "") ? "same" : "other";
  } catch {
    return "away";
  }
}

import type { Finder } from "./literal";
import { compileRegex } from "./regexProgram";
import { RegexRunner } from "./regexRun";
import { parseRegex } from "./regexSyntax";

/** The finder of a regular expression; null for one that cannot be read here. */
export function regexFinder(pattern: string, ignoreCase: boolean): Finder | null {
  try {
    const runner = new RegexRunner(compileRegex(parseRegex(pattern, ignoreCase)));
    return (text, at) => runner.find(text, at);
  } catch {
    return null;
  }
}

import { type RefObject, useLayoutEffect, useState } from "react";

/** The size of an element's inside, as it changes. */
export function useSize(element: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const observed = element.current;
    if (!observed) {
      return;
    }
    const take = () => setSize({ width: observed.clientWidth, height: observed.clientHeight });
    take();
    const observer = new ResizeObserver(take);
    observer.observe(observed);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

/** Screens on which things lie over each other instead of side by side; the style sheets say the same. */
export const NARROW = "(max-width: 700px)";

/** Whether the window is as a media query says. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useLayoutEffect(() => {
    const list = window.matchMedia(query);
    const take = () => setMatches(list.matches);
    take();
    list.addEventListener("change", take);
    return () => list.removeEventListener("change", take);
  }, [query]);
  return matches;
}

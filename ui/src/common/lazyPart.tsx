import { type ComponentType, type ReactNode, useEffect, useRef, useState } from "react";
import { Boundary } from "./Boundary";
import { PartFailure } from "./PartFailure";

interface PartProps {
  /** Shown until the part is there. */
  waiting?: ReactNode;
  /** The part lies over the page, and so does what is said of its failure. */
  floats?: boolean;
  /** Told instead of saying anything when the part cannot be loaded. */
  onUnloaded?: (name: string) => void;
}

export type LazyPart<Props> = ComponentType<Props & PartProps> & {
  /** Loads the part ahead of its use; a failure shows when it is used. */
  preload: () => void;
};

/**
 * A part of the page whose code is loaded when it is first shown. When it cannot be, or when it breaks, the rest of
 * the page stays, and it can be tried again.
 */
export function lazyPart<Props extends object>(
  name: string,
  load: () => Promise<{ default: ComponentType<Props> }>,
): LazyPart<Props> {
  let loaded: ComponentType<Props> | null = null;
  const loadOnce = async () => {
    loaded ??= (await load()).default;
    return loaded;
  };

  // Made once for each module, not while anything is drawn.
  // biome-ignore lint/correctness/noComponentHookFactories: see above
  function Part({ waiting, floats = false, onUnloaded, ...props }: Props & PartProps) {
    const [Loaded, setLoaded] = useState(() => loaded);
    const [failed, setFailed] = useState(false);
    const told = useRef(onUnloaded);
    told.current = onUnloaded;
    useEffect(() => {
      let watching = true;
      if (!Loaded && !failed) {
        loadOnce().then(
          (part) => watching && setLoaded(() => part),
          () => {
            if (watching) {
              setFailed(true);
              told.current?.(name);
            }
          },
        );
      }
      return () => {
        watching = false;
      };
    }, [Loaded, failed]);

    const failure = (error: unknown, again: () => void) => (
      <PartFailure name={name} error={error} floats={floats} onAgain={again} />
    );
    if (Loaded) {
      return (
        <Boundary fallback={failure}>
          <Loaded {...(props as unknown as Props)} />
        </Boundary>
      );
    }
    return (
      <>
        {(!failed || floats) && waiting}
        {failed && !onUnloaded && failure(null, () => setFailed(false))}
      </>
    );
  }

  return Object.assign(Part, {
    preload: () => {
      loadOnce().catch(() => {
        // It is loaded again, and its failure told, when it is used.
      });
    },
  });
}

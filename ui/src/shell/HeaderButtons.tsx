import { useRef, useState } from "react";
import { IconButton } from "../common/IconButton";
import { Icon } from "../common/icons";
import { lazyPart } from "../common/lazyPart";
import { useStore } from "../common/useStore";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "./services";

const MainMenu = lazyPart("The menu", () => import("./MainMenu"));

/** Stepping back, live tail, help, and the menu with everything else. */
export function HeaderButtons() {
  const { address, overlay, unloaded } = useServices();
  const view = useStore(address.store);
  const steps = useStore(address.steps);
  const { run } = useViewActions();
  const menuButton = useRef<HTMLButtonElement>(null);
  const [menuOpen, setMenuOpen] = useState(false);
  return (
    <div className="header-buttons">
      <IconButton
        icon="back"
        label="Step back"
        disabled={steps === 0}
        onClick={() => address.back()}
      />
      <button
        type="button"
        className="button"
        aria-pressed={view.tail}
        onClick={() => run({ tail: !view.tail })}
      >
        <Icon name="tail" /> Live tail
      </button>
      <IconButton icon="help" label="Help" onClick={() => overlay.set("help")} />
      <IconButton
        ref={menuButton}
        icon="more"
        label="Menu"
        aria-haspopup="menu"
        aria-expanded={menuOpen}
        onPointerEnter={MainMenu.preload}
        onFocus={MainMenu.preload}
        onClick={() => {
          unloaded.set(null);
          setMenuOpen(!menuOpen);
        }}
      />
      {menuOpen && (
        <MainMenu
          button={menuButton}
          onClose={() => setMenuOpen(false)}
          floats
          onUnloaded={(name) => {
            setMenuOpen(false);
            unloaded.set({ name, again: () => setMenuOpen(true) });
          }}
        />
      )}
    </div>
  );
}

import { lazy, Suspense, useRef, useState } from "react";
import { IconButton } from "../common/IconButton";
import { Icon } from "../common/icons";
import { useStore } from "../common/useStore";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "./services";

const loadMenu = () => import("./MainMenu");
const MainMenu = lazy(loadMenu);

/** Stepping back, live tail, help, and the menu with everything else. */
export function HeaderButtons() {
  const { address, overlay } = useServices();
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
        onPointerEnter={loadMenu}
        onFocus={loadMenu}
        onClick={() => setMenuOpen(!menuOpen)}
      />
      {menuOpen && (
        <Suspense>
          <MainMenu button={menuButton} onClose={() => setMenuOpen(false)} />
        </Suspense>
      )}
    </div>
  );
}

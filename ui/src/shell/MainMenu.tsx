import { Menu } from "@base-ui/react/menu";
import type { RefObject } from "react";
import { Icon, type IconName } from "../common/icons";
import { useStore } from "../common/useStore";
import type { Overlay } from "./Overlays";
import { useServices } from "./services";
import type { ThemeChoice } from "./theme";

const THEMES: readonly [ThemeChoice, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

const ITEMS: readonly { overlay: Overlay; icon: IconName; label: string; ofSearch: boolean }[] = [
  { overlay: "saved", icon: "star", label: "Saved and recent searches…", ofSearch: false },
  { overlay: "save", icon: "plus", label: "Save this search…", ofSearch: true },
  { overlay: "export", icon: "download", label: "Export…", ofSearch: true },
  { overlay: "plan", icon: "table", label: "What a search would read…", ofSearch: false },
];

interface MainMenuProps {
  button: RefObject<HTMLButtonElement | null>;
  onClose: () => void;
}

/** The menu behind the dots; on its own, so that it is loaded only when it is opened. */
export default function MainMenu({ button, onClose }: MainMenuProps) {
  const { address, theme, overlay, credential } = useServices();
  const { query } = useStore(address.store);
  const choice = useStore(theme.choice);
  const known = useStore({ get: credential.current, subscribe: credential.subscribe });
  return (
    <Menu.Root
      open
      onOpenChange={(_open, { event }) => {
        if (!button.current?.contains(event.target as Node)) {
          onClose();
        }
      }}
    >
      <Menu.Portal>
        <Menu.Positioner anchor={button} sideOffset={6} align="end" className="positioner">
          <Menu.Popup className="popup menu" finalFocus={button}>
            {ITEMS.map((item) => (
              <Menu.Item
                key={item.overlay}
                className="menu-item"
                disabled={item.ofSearch && query === null}
                onClick={() => overlay.set(item.overlay)}
              >
                <Icon name={item.icon} /> {item.label}
              </Menu.Item>
            ))}
            <Menu.Separator className="menu-separator" />
            <Menu.RadioGroup
              aria-label="Theme"
              value={choice}
              onValueChange={(value: ThemeChoice) => theme.choose(value)}
            >
              {THEMES.map(([value, label]) => (
                <Menu.RadioItem key={value} value={value} className="menu-item" closeOnClick>
                  <span className="menu-check" aria-hidden="true">
                    {choice === value ? "✓" : ""}
                  </span>
                  {label}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            {known !== null && (
              <>
                <Menu.Separator className="menu-separator" />
                <Menu.Item
                  className="menu-item"
                  onClick={() => {
                    credential.forget();
                    // What was read is forgotten with it.
                    window.location.replace(window.location.pathname);
                  }}
                >
                  <Icon name="exit" /> Sign out
                </Menu.Item>
              </>
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

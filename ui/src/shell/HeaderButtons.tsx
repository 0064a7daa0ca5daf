import { Menu } from "@base-ui/react/menu";
import { IconButton } from "../common/IconButton";
import { Icon } from "../common/icons";
import { useStore } from "../common/store";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "./services";
import type { ThemeChoice } from "./theme";

const THEMES: readonly [ThemeChoice, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** Stepping back, live tail, and the menu with everything else. */
export function HeaderButtons() {
  const { address, theme, overlay } = useServices();
  const view = useStore(address.store);
  const steps = useStore(address.steps);
  const choice = useStore(theme.choice);
  const { run } = useViewActions();
  const started = view.query !== null;
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
      <Menu.Root>
        <Menu.Trigger className="icon-button" aria-label="Menu" title="Menu">
          <Icon name="more" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={6} align="end" className="positioner">
            <Menu.Popup className="popup menu">
              <Menu.Item className="menu-item" onClick={() => overlay.set("saved")}>
                <Icon name="star" /> Saved searches…
              </Menu.Item>
              <Menu.Item
                className="menu-item"
                disabled={!started}
                onClick={() => overlay.set("save")}
              >
                <Icon name="plus" /> Save this search…
              </Menu.Item>
              <Menu.Item
                className="menu-item"
                disabled={!started}
                onClick={() => overlay.set("export")}
              >
                <Icon name="download" /> Export…
              </Menu.Item>
              <Menu.Item className="menu-item" onClick={() => overlay.set("plan")}>
                <Icon name="table" /> What a search would read…
              </Menu.Item>
              <Menu.Separator className="menu-separator" />
              <Menu.RadioGroup
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
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </div>
  );
}

import { Popover } from "@base-ui/react/popover";
import type { ReactNode, RefObject } from "react";

export interface PopupPanelProps {
  label: string;
  className: string;
  align: "start" | "end";
  button: RefObject<HTMLButtonElement | null>;
  onClose: () => void;
  children: ReactNode;
}

/** What a `PopupButton` opens; on its own, so that it is loaded only when it is. */
export default function PopupPanel(props: PopupPanelProps) {
  const { button, onClose } = props;
  return (
    <Popover.Root
      open
      onOpenChange={(_open, { event }) => {
        // A press on the button itself is for the button to handle.
        if (!button.current?.contains(event.target as Node)) {
          onClose();
        }
      }}
    >
      <Popover.Portal>
        <Popover.Positioner
          anchor={button}
          sideOffset={6}
          align={props.align}
          className="positioner"
        >
          <Popover.Popup
            className={`popup ${props.className}`}
            aria-label={props.label}
            finalFocus={button}
          >
            {props.children}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

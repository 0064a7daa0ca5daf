import { type ReactNode, useRef, useState } from "react";
import { useServices } from "../shell/services";
import { lazyPart } from "./lazyPart";

const PopupPanel = lazyPart("The panel", () => import("./PopupPanel"));

interface PopupButtonProps {
  /** What is on the button. */
  face: ReactNode;
  className: string;
  /** What it opens, read out. */
  label: string;
  buttonLabel?: string;
  popupClassName: string;
  align: "start" | "end";
  children: (close: () => void) => ReactNode;
}

/** A button that opens a panel below it. */
export function PopupButton(props: PopupButtonProps) {
  const { unloaded } = useServices();
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className={props.className}
        aria-label={props.buttonLabel}
        aria-haspopup="dialog"
        aria-expanded={open}
        onPointerEnter={PopupPanel.preload}
        onFocus={PopupPanel.preload}
        onClick={() => {
          unloaded.set(null);
          setOpen(!open);
        }}
      >
        {props.face}
      </button>
      {open && (
        <PopupPanel
          label={props.label}
          className={props.popupClassName}
          align={props.align}
          button={button}
          onClose={close}
          floats
          onUnloaded={(name) => {
            close();
            unloaded.set({ name, again: () => setOpen(true) });
          }}
        >
          {props.children(close)}
        </PopupPanel>
      )}
    </>
  );
}

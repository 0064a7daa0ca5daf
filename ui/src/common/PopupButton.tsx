import { lazy, type ReactNode, Suspense, useRef, useState } from "react";

const load = () => import("./PopupPanel");
const PopupPanel = lazy(load);

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
        onPointerEnter={load}
        onFocus={load}
        onClick={() => setOpen(!open)}
      >
        {props.face}
      </button>
      {open && (
        <Suspense>
          <PopupPanel
            label={props.label}
            className={props.popupClassName}
            align={props.align}
            button={button}
            onClose={close}
          >
            {props.children(close)}
          </PopupPanel>
        </Suspense>
      )}
    </>
  );
}

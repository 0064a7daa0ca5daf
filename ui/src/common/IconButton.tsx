import type { ComponentProps } from "react";
import { Icon, type IconName } from "./icons";
import { visible } from "./unseen";

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  icon: IconName;
  /** What it does, read out and shown when the pointer rests on it. */
  label: string;
}

export function IconButton({ icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${className ?? ""}`}
      aria-label={visible(label)}
      title={visible(label)}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}

import type { ReactNode } from "react";
import { Icon } from "../common/icons";
import { PopupButton } from "../common/PopupButton";
import { FieldPicker } from "./FieldPicker";

interface ListToolbarProps {
  summary: ReactNode;
  columns: readonly string[];
  wrap: boolean;
  onColumns: (columns: string[]) => void;
  onWrap: (wrap: boolean) => void;
  children?: ReactNode;
}

/** What is above a list of events: how many there are, and how they are shown. */
export function ListToolbar(props: ListToolbarProps) {
  const { columns, wrap } = props;
  const toggle = (field: string) =>
    props.onColumns(
      columns.includes(field) ? columns.filter((name) => name !== field) : [...columns, field],
    );
  return (
    <div className="list-toolbar">
      <span className="list-summary">{props.summary}</span>
      {props.children}
      <button
        type="button"
        className="button button-quiet"
        aria-pressed={wrap}
        onClick={() => props.onWrap(!wrap)}
      >
        <Icon name="wrap" /> Wrap lines
      </button>
      <PopupButton
        className="button button-quiet"
        face={
          <>
            <Icon name="column" /> Columns
          </>
        }
        label="Columns"
        popupClassName="picker"
        align="end"
      >
        {() => <FieldPicker chosen={columns} onToggle={toggle} />}
      </PopupButton>
    </div>
  );
}

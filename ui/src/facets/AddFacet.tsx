import { Popover } from "@base-ui/react/popover";
import { useState } from "react";
import { Icon } from "../common/icons";
import { FieldPicker } from "../list/FieldPicker";

interface AddFacetProps {
  shown: readonly string[];
  onAdd: (field: string) => void;
}

export function AddFacet({ shown, onAdd }: AddFacetProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="button button-quiet">
        <Icon name="plus" /> Add a field
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="start" className="positioner">
          <Popover.Popup className="popup picker" aria-label="Add a facet">
            <FieldPicker
              chosen={shown}
              onToggle={(field) => {
                setOpen(false);
                if (!shown.includes(field)) {
                  onAdd(field);
                }
              }}
            />
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

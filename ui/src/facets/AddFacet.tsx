import { Icon } from "../common/icons";
import { PopupButton } from "../common/PopupButton";
import { FieldPicker } from "../list/FieldPicker";

interface AddFacetProps {
  shown: readonly string[];
  onAdd: (field: string) => void;
}

export function AddFacet({ shown, onAdd }: AddFacetProps) {
  return (
    <PopupButton
      className="button button-quiet"
      face={
        <>
          <Icon name="plus" /> Add a field
        </>
      }
      label="Add a facet"
      popupClassName="picker"
      align="start"
    >
      {(close) => (
        <FieldPicker
          chosen={shown}
          onToggle={(field) => {
            close();
            if (!shown.includes(field)) {
              onAdd(field);
            }
          }}
        />
      )}
    </PopupButton>
  );
}

import { useState } from "react";
import type { Facet } from "../api/types";
import { formatCompact, formatCount } from "../common/format";
import { IconButton } from "../common/IconButton";
import { Shown } from "../common/Shown";
import { visible } from "../common/unseen";
import { levelOf } from "../events/level";
import { displayText, type JsonScalar } from "../json/value";
import type { FilterBy } from "../list/EventRow";
import { AddFacet } from "./AddFacet";
import "./facets.css";

interface FacetsProps {
  facets: Facet[] | null;
  fields: readonly string[];
  pinned: readonly string[];
  onFilter: FilterBy;
  onPin: (field: string) => void;
  onUnpin: (field: string) => void;
}

/** The most frequent values of some fields; each narrows the search. */
export function Facets({ facets, fields, pinned, onFilter, onPin, onUnpin }: FacetsProps) {
  return (
    <section className="facets" aria-label="Facets">
      {fields.map((field) => (
        <FacetGroup
          key={field}
          field={field}
          facet={facets?.find((facet) => facet.field === field) ?? null}
          onFilter={onFilter}
          onUnpin={pinned.includes(field) ? () => onUnpin(field) : undefined}
        />
      ))}
      <AddFacet shown={fields} onAdd={onPin} />
    </section>
  );
}

interface FacetGroupProps {
  field: string;
  facet: Facet | null;
  onFilter: FilterBy;
  onUnpin: (() => void) | undefined;
}

function FacetGroup({ field, facet, onFilter, onUnpin }: FacetGroupProps) {
  const [open, setOpen] = useState(true);
  const most = Math.max(1, ...(facet?.values.map((item) => item.count) ?? []));
  return (
    <div className="facet">
      <div className="facet-head">
        <h2>
          <button
            type="button"
            className="facet-name"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <Shown text={field} />
          </button>
        </h2>
        {facet && facet.distinct > facet.values.length && (
          <span className="facet-distinct">
            {facet.approximate ? "about " : ""}
            {formatCompact(facet.distinct)} values
          </span>
        )}
        {onUnpin && <IconButton icon="close" label={`Remove facet ${field}`} onClick={onUnpin} />}
      </div>
      {open && (
        <ul>
          {facet?.values.map((item) => (
            <FacetItem
              key={JSON.stringify(displayText(item.value))}
              field={field}
              value={item.value}
              count={item.count}
              share={item.count / most}
              onFilter={onFilter}
            />
          ))}
          {facet && facet.values.length === 0 && (
            <li className="facet-empty">{facet.complete ? "no values" : "counting…"}</li>
          )}
          {!facet && <li className="facet-empty">—</li>}
        </ul>
      )}
    </div>
  );
}

interface FacetItemProps {
  field: string;
  value: JsonScalar;
  count: number;
  share: number;
  onFilter: FilterBy;
}

function FacetItem({ field, value, count, share, onFilter }: FacetItemProps) {
  const text = displayText(value);
  const level = field === "level" ? levelOf(value) : null;
  return (
    <li className="facet-item">
      <span
        className="facet-bar"
        style={{
          width: `${share * 100}%`,
          ...(level && { background: `var(--level-${level}-soft)` }),
        }}
      />
      <button
        type="button"
        className="facet-value"
        title={visible(`Only ${field} ${text}`)}
        onClick={() => onFilter(field, value, "in")}
      >
        <span className="visually-hidden">
          Only <Shown text={field} />{" "}
        </span>
        <span className="facet-text">{text === "" ? "(empty)" : <Shown text={text} />}</span>
        <span className="facet-count" title={formatCount(count)}>
          {formatCompact(count)}
        </span>
      </button>
      <IconButton
        icon="minus"
        label={`Without ${field} ${text}`}
        onClick={() => onFilter(field, value, "out")}
      />
    </li>
  );
}

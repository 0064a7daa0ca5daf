import { IconButton } from "../common/IconButton";
import { Marked } from "../common/Marked";
import { Shown } from "../common/Shown";
import {
  isScalar,
  JsonNumber,
  type JsonObject,
  type JsonScalar,
  type JsonValue,
  scalarText,
} from "../json/value";
import type { Highlighter } from "../language/index";

export interface FieldActions {
  onFilter: (path: string, value: JsonScalar, mode: "in" | "out") => void;
  onExists: (path: string) => void;
  onColumn: (path: string) => void;
  onCopy: (path: string, value: JsonValue) => void;
}

interface FieldTreeProps extends FieldActions {
  root: JsonObject;
  highlighter: Highlighter;
  columns: readonly string[];
}

/** An event's fields, nested as they were sent. */
export function FieldTree({ root, ...rest }: FieldTreeProps) {
  return <Members value={root} path="" {...rest} />;
}

type BranchProps = Omit<FieldTreeProps, "root"> & { path: string };

function Members({ value, path, ...rest }: BranchProps & { value: JsonObject | JsonValue[] }) {
  // Elements of an array are found under the array's own name.
  const members: [key: string, path: string, value: JsonValue][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), path, item])
    : value.entries.map(([key, item]) => [key, path === "" ? key : `${path}.${key}`, item]);
  return (
    <ul className="field-tree">
      {members.map(([key, at, item], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: keys may occur twice, and the order is fixed
        <li key={index}>
          {isScalar(item) ? (
            <Leaf name={key} value={item} path={at} {...rest} />
          ) : (
            <Branch name={key} value={item} path={at} {...rest} />
          )}
        </li>
      ))}
    </ul>
  );
}

function Branch({
  name,
  value,
  path,
  ...rest
}: BranchProps & { name: string; value: JsonObject | JsonValue[] }) {
  const size = Array.isArray(value) ? value.length : value.entries.length;
  return (
    <details open={size <= 50}>
      <summary>
        <span className="field-name">
          <Shown text={name} />
        </span>
        <span className="field-size">{Array.isArray(value) ? `[${size}]` : `{${size}}`}</span>
      </summary>
      <Members value={value} path={path} {...rest} />
    </details>
  );
}

function Leaf({ name, value, path, ...rest }: BranchProps & { name: string; value: JsonScalar }) {
  const text = scalarText(value);
  const kind = value instanceof JsonNumber ? "number" : value === null ? "null" : typeof value;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return (
    <div className="field-leaf">
      <span className="field-name">
        <Shown text={name} />
      </span>
      <span className={`field-value kind-${kind}`}>
        {typeof value === "string" ? (
          <Marked text={text} field={path} highlighter={rest.highlighter} />
        ) : (
          <Shown text={text} />
        )}
      </span>
      <span className="field-actions">
        {value !== null && (
          <>
            <IconButton
              icon="plus"
              label={`Only ${path} ${shown}`}
              onClick={() => rest.onFilter(path, value, "in")}
            />
            <IconButton
              icon="minus"
              label={`Without ${path} ${shown}`}
              onClick={() => rest.onFilter(path, value, "out")}
            />
          </>
        )}
        <IconButton
          icon="exists"
          label={`Only events that have ${path}`}
          onClick={() => rest.onExists(path)}
        />
        <IconButton
          icon="column"
          label={`${rest.columns.includes(path) ? "Remove" : "Add"} column ${path}`}
          aria-pressed={rest.columns.includes(path)}
          onClick={() => rest.onColumn(path)}
        />
        <IconButton icon="copy" label={`Copy ${path}`} onClick={() => rest.onCopy(path, value)} />
      </span>
    </div>
  );
}

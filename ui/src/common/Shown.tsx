import { namesOf, piecesOf } from "./unseen";

/** Names of characters that are told at most. */
const LONGEST_NAMED = 8;

/** A text of an event, with symbols for what would not be seen; it is copied as it was sent. */
export function Shown({ text }: { text: string }) {
  const pieces = piecesOf(text);
  if (pieces.length === 1 && pieces[0]?.symbols === null) {
    return text;
  }
  return pieces.map((piece, index) =>
    piece.symbols === null ? (
      piece.text
    ) : (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no names, and their order is fixed
        key={index}
        className="unseen"
        title={piece.text.length <= LONGEST_NAMED ? namesOf(piece.text) : undefined}
        data-exact={piece.text}
      >
        {piece.symbols}
      </span>
    ),
  );
}

/** Small pictures beside or instead of words; always hidden from screen readers. */
const PATHS = {
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Zm3.6-1.4L14 14",
  stop: "M4 4h8v8H4z",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 5v3.2l2 1.3",
  back: "M7 3 3 7l4 4M3 7h6a4 4 0 0 1 0 8H7",
  tail: "M2 4h12M2 8h12M2 12h5M10 10.5l2 2 2-2",
  more: "M3 8h.01M8 8h.01M13 8h.01",
  close: "m4 4 8 8m0-8-8 8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  exists: "M3 8.5 6.5 12 13 4",
  column: "M2 3h12v10H2zM6 3v10M10 3v10",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M6.5 9.5a3 3 0 0 0 4.2 0l2.2-2.2a3 3 0 0 0-4.2-4.2l-.7.7M9.5 6.5a3 3 0 0 0-4.2 0L3.100 8.700a3 3 0 0 0 4.2 4.2l.7-.7",
  context: "M3 3h10M3 5.500h10M2 8h12M3 10.500h10M3 13h10",
  up: "m4 10 4-4 4 4",
  down: "m4 6 4 4 4-4",
  left: "m10 4-4 4 4 4",
  right: "m6 4 4 4-4 4",
  wrap: "M2 4h12M2 8h9.500a2 2 0 0 1 0 4H8m1.500-1.500L8 12l1.500 1.500M2 12h3",
  filter: "M2 3h12l-4.500 5.500V13l-3-1.500v-3z",
  pin: "M8 10v4M5 2h6l-1 4 2 3H4l2-3z",
  table: "M2 3h12v10H2zM2 6.500h12M2 10h12M7 6.500V13",
  pause: "M5 3v10M11 3v10",
  play: "M4.500 3v10l8-5z",
  download: "M8 2v8m-3-3 3 3 3-3M3 13h10",
  star: "m8 2 1.800 3.900 4.200.5-3.100 2.900.8 4.200L8 11.400l-3.700 2.100.8-4.200L2 6.400l4.200-.5z",
  help: "M6 6a2 2 0 1 1 2.600 1.900c-.4.2-.6.500-.6 1V9.500M8 12h.01M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13Z",
  exit: "M7 2H3v12h4M6.500 8H14m-3-3 3 3-3 3",
  trash: "M3 4h10M6 4V2.500h4V4M4.500 4l.5 9.500h6l.5-9.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

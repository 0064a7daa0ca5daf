import { history, historyKeymap, standardKeymap } from "@codemirror/commands";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef } from "react";
import {
  type CompletionProvider,
  endCompletion,
  queryErrors,
  trawlCompletion,
  trawlLanguage,
} from "../language/index";
import { queryStyle } from "./queryStyle";

export interface QueryEditorProps {
  text: string;
  focused: boolean;
  hint: string;
  completion: CompletionProvider;
  check: (query: string) => Promise<{ column: number; message: string } | null>;
  onChange: (text: string) => void;
  onRun: () => void;
  /** Asks for the query before (-1) or after (1) in the history; whether there is one. */
  onHistory: (step: -1 | 1) => boolean;
}

/** The editor of a query: highlighted, completed, with errors underlined. */
export default function QueryEditor(props: QueryEditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const view = new EditorView({
      parent: parent.current as HTMLDivElement,
      state: EditorState.create({ doc: latest.current.text, extensions: extensions(latest) }),
    });
    editor.current = view;
    if (latest.current.focused) {
      view.focus();
      view.dispatch({ selection: { anchor: view.state.doc.length } });
    }
    return () => view.destroy();
  }, []);

  useEffect(() => {
    const view = editor.current;
    if (view && view.state.doc.toString() !== props.text) {
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: props.text },
        selection: { anchor: props.text.length },
      });
    }
  }, [props.text]);

  return <div className="query-editor" ref={parent} />;
}

/** What the editor shows as a symbol beyond what it does by itself: marks of direction, fillers. */
const UNSEEN_IN_QUERIES = /[\u202a-\u202c\u2060-\u2064\u2068\u115f\u1160\u3164\uffa0]/g;

function extensions(latest: { current: QueryEditorProps }) {
  const run = (view: EditorView) => {
    endCompletion(view);
    latest.current.onRun();
    return true;
  };
  const step = (by: -1 | 1) => (view: EditorView) => {
    const line = view.state.doc.lineAt(view.state.selection.main.head).number;
    const atEdge = by < 0 ? line === 1 : line === view.state.doc.lines;
    return atEdge && latest.current.onHistory(by);
  };
  return [
    Prec.high(
      keymap.of([
        { key: "Enter", run },
        { key: "Mod-Enter", run },
        { key: "ArrowUp", run: step(-1) },
        { key: "ArrowDown", run: step(1) },
        {
          key: "Escape",
          run: (view) => {
            view.contentDOM.blur();
            return true;
          },
        },
      ]),
    ),
    history(),
    highlightSpecialChars({ addSpecialChars: UNSEEN_IN_QUERIES }),
    keymap.of([...standardKeymap, ...historyKeymap]),
    trawlLanguage(),
    trawlCompletion({
      fields: () => latest.current.completion.fields(),
      values: (field, prefix) => latest.current.completion.values(field, prefix),
    }),
    queryErrors((query) => latest.current.check(query)),
    queryStyle,
    EditorView.cspNonce.of(pageNonce()),
    EditorView.lineWrapping,
    placeholder(latest.current.hint),
    EditorView.contentAttributes.of({ "aria-label": "Query", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) {
        latest.current.onChange(update.state.doc.toString());
      }
    }),
  ];
}

/** What style elements have to bear to be let in by the page's policy. */
function pageNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

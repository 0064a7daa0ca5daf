import { useEffect } from "react";
import { lazyPart } from "../common/lazyPart";
import { PartFailure } from "../common/PartFailure";
import { useStore } from "../common/useStore";
import { useServices } from "./services";

const HelpDialog = lazyPart("The help", () => import("../help/HelpDialog"));
const SavedDialog = lazyPart("The list of saved searches", () => import("../saved/SavedDialog"));
const SaveDialog = lazyPart("The dialog for saving", () => import("../saved/SaveDialog"));
const ExportDialog = lazyPart("The export", () => import("../export/ExportDialog"));
const PlanDialog = lazyPart("The plan", () => import("../search/PlanDialog"));
const KeyDialog = lazyPart("The question who you are", () => import("./KeyDialog"));
const ContextDialog = lazyPart("The context", () => import("../context/ContextDialog"));

/** Which dialog is open. */
export type Overlay = "help" | "saved" | "save" | "export" | "plan";

/** What lies over the page: dialogs, and messages that pass. */
export function Overlays() {
  const { overlay, credential, announcer, contextOf, unloaded } = useServices();
  const open = useStore(overlay);
  const question = useStore({ get: credential.question, subscribe: credential.subscribe });
  const message = useStore(announcer.store);
  const event = useStore(contextOf);
  const missing = useStore(unloaded);
  // What is opened says for itself whether it can be.
  useEffect(() => {
    if (open !== null || event) {
      unloaded.set(null);
    }
  }, [open, event, unloaded]);
  const close = () => overlay.set(null);
  const dialog = {
    floats: true,
    onClose: close,
    onUnloaded: (name: string) => {
      close();
      unloaded.set({ name, again: () => overlay.set(open) });
    },
  };
  return (
    <>
      {open === "help" && <HelpDialog {...dialog} />}
      {open === "saved" && <SavedDialog {...dialog} />}
      {open === "save" && <SaveDialog {...dialog} />}
      {open === "export" && <ExportDialog {...dialog} />}
      {open === "plan" && <PlanDialog {...dialog} />}
      {event && (
        <ContextDialog
          event={event}
          floats
          onClose={() => contextOf.set(null)}
          onUnloaded={(name) => {
            contextOf.set(null);
            unloaded.set({ name, again: () => contextOf.set(event) });
          }}
        />
      )}
      {question && <KeyDialog question={question} floats />}
      {missing && (
        <PartFailure
          name={missing.name}
          error={null}
          floats
          onAgain={() => {
            unloaded.set(null);
            missing.again();
          }}
          onClose={() => unloaded.set(null)}
        />
      )}
      <div className={`announcer ${message ? "is-shown" : ""}`} role="status" aria-label="Messages">
        {message}
      </div>
    </>
  );
}

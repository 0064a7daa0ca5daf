import { lazy, Suspense } from "react";
import { useStore } from "../common/useStore";
import { useServices } from "./services";

const HelpDialog = lazy(() => import("../help/HelpDialog"));
const SavedDialog = lazy(() => import("../saved/SavedDialog"));
const SaveDialog = lazy(() => import("../saved/SaveDialog"));
const ExportDialog = lazy(() => import("../export/ExportDialog"));
const PlanDialog = lazy(() => import("../search/PlanDialog"));
const KeyDialog = lazy(() => import("./KeyDialog"));
const ContextDialog = lazy(() => import("../context/ContextDialog"));

/** Which dialog is open. */
export type Overlay = "help" | "saved" | "save" | "export" | "plan";

/** What lies over the page: dialogs, and messages that pass. */
export function Overlays() {
  const { overlay, key, announcer, contextOf } = useServices();
  const open = useStore(overlay);
  const reason = useStore({ get: key.pendingReason, subscribe: key.subscribe });
  const message = useStore(announcer.store);
  const event = useStore(contextOf);
  const close = () => overlay.set(null);
  return (
    <>
      <Suspense>
        {open === "help" && <HelpDialog onClose={close} />}
        {open === "saved" && <SavedDialog onClose={close} />}
        {open === "save" && <SaveDialog onClose={close} />}
        {open === "export" && <ExportDialog onClose={close} />}
        {open === "plan" && <PlanDialog onClose={close} />}
        {event && <ContextDialog event={event} onClose={() => contextOf.set(null)} />}
        {reason !== null && <KeyDialog reason={reason} />}
      </Suspense>
      <div className={`announcer ${message ? "is-shown" : ""}`} role="status" aria-label="Messages">
        {message}
      </div>
    </>
  );
}

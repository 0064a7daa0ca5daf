import { createRoot } from "react-dom/client";
import { Boundary } from "./common/Boundary";
import { copyExactly } from "./common/exactCopy";
import { App } from "./shell/App";
import { BrokenPage } from "./shell/BrokenPage";
import { createServices, ServicesContext } from "./shell/services";
import { takeReturn } from "./signin/pending";
import { DEFAULT_RANGE } from "./timerange/range";
import "./shell/base.css";
import "./shell/controls.css";
import "./shell/layout.css";
import "./list/list.css";

copyExactly(window);
const returned = takeReturn(window);
const services = createServices(window);
if (returned) {
  const token = import("./signin/finish").then(({ finishSignIn }) =>
    finishSignIn(returned, window.fetch.bind(window)),
  );
  void services.credential.receive(token);
}
if (services.address.store.get().query === null) {
  services.address.store.set({ ...services.address.store.get(), ...DEFAULT_RANGE });
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <ServicesContext value={services}>
    <Boundary fallback={(error, again) => <BrokenPage error={error} onAgain={again} />}>
      <App />
    </Boundary>
  </ServicesContext>,
);

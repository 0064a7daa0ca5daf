import { createRoot } from "react-dom/client";
import { Boundary } from "./common/Boundary";
import { App } from "./shell/App";
import { BrokenPage } from "./shell/BrokenPage";
import { createServices, ServicesContext } from "./shell/services";
import { DEFAULT_RANGE } from "./timerange/range";
import "./shell/base.css";
import "./shell/controls.css";
import "./shell/layout.css";
import "./list/list.css";

const services = createServices(window);
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

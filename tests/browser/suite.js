// Every test in one process, so that they share a browser and servers; a file on its own runs too: `node --test tail.test.js`.
import "./start.test.js";
import "./search.test.js";
import "./histogram.test.js";
import "./scroll.test.js";
import "./filter.test.js";
import "./context.test.js";
import "./tail.test.js";
import "./cancel.test.js";
import "./errors.test.js";
import "./restart.test.js";
import "./aggregates.test.js";
import "./keyboard.test.js";
import "./narrow.test.js";
import "./theme.test.js";
import "./accessibility.test.js";
import "./delivery.test.js";
import "./speed.test.js";

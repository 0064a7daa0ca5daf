import fc from "fast-check";

// One run of CI tries what another does; everywhere else each run tries something new.
if (process.env.CI) {
  fc.configureGlobal({ seed: 1 });
}

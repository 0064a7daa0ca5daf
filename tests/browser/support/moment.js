/** As long as a person takes to see what was offered, in frames of the page. */
export function lookForAMoment(page) {
  return page.evaluate(async () => {
    const start = performance.now();
    while (performance.now() - start < 500) {
      await new Promise(requestAnimationFrame);
    }
  });
}

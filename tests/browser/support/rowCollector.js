/**
 * Keeps what every row showed while it was on the page, read once a frame: column `column` (0 is the first after
 * level and time) by index. An index that showed two things is kept in `conflicts`.
 */
export async function collectRows(grid, column) {
  await grid.evaluate((element, place) => {
    const collected = { texts: new Map(), conflicts: [], frames: [], stopped: false };
    window.collectedRows = collected;
    let last = performance.now();
    const look = (now) => {
      collected.frames.push(now - last);
      last = now;
      for (const row of element.querySelectorAll("[role=row][data-index]")) {
        const index = Number(row.dataset.index);
        const text = row.children[place + 2]?.textContent;
        const before = collected.texts.get(index);
        if (before !== undefined && before !== text) {
          collected.conflicts.push([index, before, text]);
        }
        collected.texts.set(index, text);
      }
      if (!collected.stopped) {
        requestAnimationFrame(look);
      }
    };
    requestAnimationFrame(look);
  }, column);
}

/** What was collected: `{ texts, conflicts, frames }`, texts by index in the order of indexes. */
export async function collectedRows(page) {
  const { entries, ...rest } = await page.evaluate(() => {
    const { texts, conflicts, frames } = window.collectedRows;
    window.collectedRows.stopped = true;
    return { entries: [...texts], conflicts, frames };
  });
  entries.sort((a, b) => a[0] - b[0]);
  return { entries, ...rest };
}

/**
 * Scrolls to the end of the result by a part of the visible height at a time, as soon as rows cover all that is
 * visible.
 */
export async function scrollToBottom(grid, share) {
  await grid.evaluate(async (element, part) => {
    const frame = () => new Promise(requestAnimationFrame);
    const visible = element.getBoundingClientRect();
    const footer = () => element.querySelector(".list-footer");
    const isCovered = () => {
      const rows = [...element.querySelectorAll("[role=row][data-index]")].map((row) =>
        row.getBoundingClientRect(),
      );
      const top = Math.min(...rows.map((row) => row.top));
      const bottom = Math.max(...rows.map((row) => row.bottom));
      const end = Math.min(visible.bottom, footer().getBoundingClientRect().top);
      return top <= visible.top + 30 && bottom >= end - 1;
    };
    const isAtEnd = () =>
      element.scrollTop + element.clientHeight >= element.scrollHeight - 1 &&
      footer().textContent.startsWith("End of the result");
    while (!isAtEnd()) {
      element.scrollTop += element.clientHeight * part;
      do {
        await frame();
      } while (!isCovered());
    }
    await frame();
    await frame();
  }, share);
}

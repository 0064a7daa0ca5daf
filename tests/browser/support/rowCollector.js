/**
 * Keeps what every row shows while it is on the page, from those there now on, read once a frame: column `column`
 * (0 is the first after level and time) by index. An index that showed two things is kept in `conflicts`.
 */
export async function collectRows(grid, column) {
  await grid.evaluate((element, place) => {
    const collected = { texts: new Map(), conflicts: [], frames: [], stopped: false };
    window.collectedRows = collected;
    const look = () => {
      for (const row of element.querySelectorAll("[role=row][data-index]")) {
        const index = Number(row.dataset.index);
        const text = row.children[place + 2]?.textContent;
        const before = collected.texts.get(index);
        if (before !== undefined && before !== text) {
          collected.conflicts.push([index, before, text]);
        }
        collected.texts.set(index, text);
      }
    };
    let last = performance.now();
    const lookAtFrame = (now) => {
      collected.frames.push(now - last);
      last = now;
      look();
      if (!collected.stopped) {
        requestAnimationFrame(lookAtFrame);
      }
    };
    // At once too: whoever scrolls next may come before the next frame.
    look();
    requestAnimationFrame(lookAtFrame);
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
 * Scrolls from the top to the end of the list by a part of the visible height at a time, each time as soon as rows
 * cover all that is visible. The end of a search's list is where its footer says so.
 */
export async function scrollToBottom(grid, share) {
  await grid.evaluate(async (element, part) => {
    const frame = () => new Promise(requestAnimationFrame);
    const visible = element.getBoundingClientRect();
    const list = element.querySelector(".event-rows");
    const footer = element.querySelector(".list-footer");
    const isCovered = () => {
      const rows = [...element.querySelectorAll("[role=row][data-index]")].map((row) =>
        row.getBoundingClientRect(),
      );
      const top = Math.min(...rows.map((row) => row.top));
      const bottom = Math.max(...rows.map((row) => row.bottom));
      const end = Math.min(visible.bottom, list.getBoundingClientRect().bottom);
      return top <= visible.top + 30 && bottom >= end - 1;
    };
    const covered = async () => {
      do {
        await frame();
      } while (!isCovered());
    };
    const isAtEnd = () =>
      element.scrollTop + element.clientHeight >= element.scrollHeight - 1 &&
      (footer === null || footer.textContent.startsWith("End of the result"));
    element.scrollTop = 0;
    await covered();
    while (!isAtEnd()) {
      element.scrollTop += element.clientHeight * part;
      await covered();
    }
    await frame();
    await frame();
  }, share);
}

/** How many pixels of the picture in a part of the page are coloured, not grey. */
export function drawnPixels(part) {
  return part
    .locator("canvas")
    .first()
    .evaluate((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let coloured = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue, alpha] = data.slice(at, at + 4);
        coloured +=
          alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40 ? 1 : 0;
      }
      return coloured;
    });
}

// Writes a .br and a .gz beside each file of dist/ that compresses, for servers that send them as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const compressible = new Set([".html", ".js", ".css", ".svg", ".json", ".txt"]);
let total = 0;

for (const name of readdirSync("dist", { recursive: true })) {
  const path = join("dist", name);
  if (!statSync(path).isFile() || !compressible.has(extname(path))) {
    continue;
  }
  const content = readFileSync(path);
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  total += brotli.length;
  console.log(`${(brotli.length / 1000).toFixed(1).padStart(7)} kB  ${name}`);
}
console.log(`compressed files of dist: ${(total / 1000).toFixed(1)} kB (brotli)`);

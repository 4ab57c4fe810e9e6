// Usage: node check_workflow.mjs FILE...   (a file of paths, one a line, with @LIST)
// Prints {checked: [FILE], findings: [{file, tool, severity, line, column, message}]}; exit 0 whatever was found.
// The bundle is kept below node_modules, named by a digest of everything that it is built from.
import {createHash} from "node:crypto";
import {existsSync, mkdirSync, readFileSync, renameSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";
import {fileURLToPath} from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const INPUTS = ["workflow_checks.mjs", "actions.json", "package-lock.json"];

async function bundle() {
  const digest = createHash("sha256");
  for (const name of INPUTS) {
    digest.update(readFileSync(join(HERE, name)));
  }
  const folder = join(HERE, "node_modules", ".cache", "mlcc");
  const target = join(folder, `workflow_checks-${digest.digest("hex").slice(0, 16)}.cjs`);
  if (!existsSync(target)) {
    mkdirSync(folder, {recursive: true});
    const {build} = await import("esbuild");
    // Two test processes may bundle at once: each writes its own file, the rename is atomic.
    const draft = `${target}.${process.pid}`;
    await build({
      entryPoints: [join(HERE, "workflow_checks.mjs")],
      outfile: draft,
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      logLevel: "error"
    });
    renameSync(draft, target);
  }
  return createRequire(import.meta.url)(target);
}

const files = process.argv.slice(2).flatMap(argument =>
  argument.startsWith("@") ? readFileSync(argument.slice(1), "utf8").split("\n").filter(Boolean) : [argument]
);
const {check} = await bundle();
process.stdout.write(JSON.stringify({checked: files, findings: await check(files)}) + "\n");

// What GitHub itself says about a workflow: its parser (which decides whether a file is a workflow at
// all) and its language service (which also checks expressions, contexts, cron patterns and action inputs).
// check_workflow.mjs bundles this file before running it: the packages import JSON in a way that node refuses.
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";
import {registerLogger, validate} from "@actions/languageservice";
import {convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow} from "@actions/workflow-parser";
import {TextDocument} from "vscode-languageserver-textdocument";
import actions from "./actions.json";

const SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"};

// The service swallows its own exceptions and only logs them: a crash would look like "no findings".
let logged = [];
const collect = message => logged.push(message);
registerLogger({error: collect, warn: collect, info: () => {}, log: () => {}});

// Never fetches anything: inputs of the actions that compiled workflows use are committed beside this file.
const actionsMetadataProvider = {
  async fetchActionMetadata({owner, name, path, ref}) {
    const known = actions[[owner, name, path].filter(Boolean).join("/") + "@" + ref];
    return known && {name: `${owner}/${name}`, description: "", inputs: known.inputs};
  }
};

async function parserFindings(file, content) {
  const {context, value} = parseWorkflow({name: file, content}, new NoOperationTraceWriter());
  if (value) {
    await convertWorkflowTemplate(context, value);
  }
  return context.errors.getErrors().map(error => ({
    file,
    tool: "parser",
    severity: "error",
    line: error.range?.start.line ?? 1,
    column: error.range?.start.column ?? 1,
    message: error.rawMessage
  }));
}

async function serviceFindings(file, content) {
  logged = [];
  const uri = pathToFileURL(file).href;
  const diagnostics = await validate(TextDocument.create(uri, "yaml", 1, content), {actionsMetadataProvider});
  const findings = diagnostics.map(({message, range, severity}) => ({
    file,
    tool: "service",
    severity: SEVERITIES[severity ?? 1],
    line: range.start.line + 1,
    column: range.start.character + 1,
    message
  }));
  const crashes = logged.map(message => ({
    file, tool: "service", severity: "error", line: 1, column: 1, message: `internal: ${message}`
  }));
  return [...findings, ...crashes];
}

/** Findings of both, in file order; a service finding that repeats the parser's is dropped. */
export async function check(files) {
  const findings = [];
  for (const file of files) {
    const content = readFileSync(file, "utf8");
    const parser = await parserFindings(file, content);
    const seen = new Set(parser.map(finding => finding.message));
    const service = await serviceFindings(file, content);
    findings.push(...parser, ...service.filter(finding => !seen.has(finding.message)));
  }
  return findings;
}

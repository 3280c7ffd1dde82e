/** Graph text read with the op table of lazuli. `compiler/ir` knows no ops, so its parser takes the table as an argument. */
import type { Graph } from "./ir/graph.ts";
import { parseGraph, parseGraphs } from "./ir/parse.ts";
import { opTable } from "./ops/table.ts";

/** The one graph of a text; throws a ParseError with line and column. */
export const graphFromText = (text: string): Graph => parseGraph(text, opTable);

/** All graphs of a text; throws a ParseError with line and column. */
export const graphsFromText = (text: string): Graph[] => parseGraphs(text, opTable);

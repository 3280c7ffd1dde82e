/** Joins two aligned clusters into one; the smaller is renamed into the larger (a producer of which a part is asked, into the consumer). */
import type { Expr } from "../../ir/expr.ts";
import { exprMapper } from "../../ir/loop-walk.ts";
import type { Axes } from "./axes.ts";
import type { Cluster, Demand } from "./cluster.ts";
import { renaming } from "./cluster.ts";
import type { Ask } from "./demand.ts";
import type { Alignment } from "./legality.ts";
import { placesOf } from "./legality.ts";
import { turn } from "./rows.ts";

export function mergeInto(producer: Cluster, consumer: Cluster, aligned: Alignment, axes: Axes): Cluster {
  turn(producer, aligned.splits.x, axes);
  turn(consumer, aligned.splits.d, axes);
  const anew = demandsCausedAnew(producer, aligned);
  const part = aligned.parts.length > 0 || [...aligned.grid].some(([p, q]) => aligned.places.get(p)?.op !== "axis" || axes.extent(p) !== axes.extent(q));
  const small = part || size(producer) <= size(consumer) ? producer : consumer;
  const large = small === producer ? consumer : producer;
  const names = namesFor(small === producer, aligned, axes);
  const toExpr = exprMapper((e) => (e.op === "axis" ? (names.get(e.name) ?? e) : e));
  const grid = small === producer ? [...aligned.grid.values()] : [...aligned.grid.keys()];
  const order = large.grid.filter((g) => grid.includes(g));
  for (const n of small.nodes) large.nodes.add(n);
  const renamed = renaming(names);
  askAt(small, large, renamed);
  for (const { value, demand } of anew) large.addDemand(value, small === producer ? renamed(demand) : demand);
  for (const places of aligned.parts) askAt(small, large, renaming(new Map([...names, ...places])));
  small.outputs.forEach((form, v) => large.outputs.set(v, form.map(toExpr)));
  small.held.forEach((form, v) => large.held.set(v, form.map(toExpr)));
  // it computes these itself
  for (const v of large.outputs.keys()) large.takeIn(v);
  large.grid = order;
  large.fixed ||= small.fixed;
  large.careful ||= small.careful;
  for (const row of small.rows) large.rows.add(axes.renameRow(row, names.get(row)));
  for (const end of small.walks) large.walks.add(end);
  for (const v of small.waits) large.waits.add(v);
  large.operations = consumer.operations + producer.operations * placesOf(aligned);
  small.mergedInto = large;
  clear(small);
  return large;
}

/** What a producer asks for, and computes, at another place. */
function askAt(small: Cluster, large: Cluster, renamed: (d: Demand) => Demand): void {
  small.demands.forEach((list, v) => list.forEach((d) => large.addDemand(v, renamed(d))));
  small.forms.forEach((list, v) => list.forEach((d) => large.addForm(v, renamed(d))));
}

const size = (c: Cluster): number => c.nodes.size + c.demands.size + c.forms.size;

function namesFor(fromProducer: boolean, aligned: Alignment, axes: Axes): Map<string, Expr> {
  const names = new Map<string, Expr>();
  for (const [p, q] of aligned.grid) names.set(fromProducer ? p : q, fromProducer ? (aligned.places.get(p) ?? axes.expr(q)) : axes.expr(p));
  const taken = new Set(fromProducer ? aligned.grid.values() : aligned.grid.keys());
  for (const [p, q] of aligned.inner[0] ?? []) {
    const [from, to] = fromProducer ? [p, q.name] : [q.name, p];
    const whole = q.op === "axis" && axes.extent(p) === axes.extent(q.name) && axes.segment(p)?.offsets === axes.segment(q.name)?.offsets;
    if (!whole || names.has(from) || taken.has(to)) continue;
    names.set(from, axes.expr(to));
    taken.add(to);
  }
  return names;
}

/** The producer's own demands at the indices at which the consumer asks for its results. */
function demandsCausedAnew(producer: Cluster, aligned: Alignment): Ask[] {
  const out: Ask[] = [];
  for (const map of aligned.asked) {
    const loose = new Map([...map].filter(([p]) => !aligned.grid.has(p)));
    if (loose.size === 0) continue;
    const renamed = renaming(loose);
    producer.demands.forEach((list, value) => list.forEach((d) => out.push({ value, demand: renamed(d) })));
  }
  return out;
}

function clear(c: Cluster): void {
  c.nodes.clear();
  c.demands.clear();
  c.forms.clear();
  c.outputs.clear();
}

/**
 * Where did the time of a CPU profile go? A `.cpuprofile` of V8 -> functions, by self time.
 *
 * A profile is a tree of calls and a list of samples; a sample names the node that was running. Its
 * time is the gap to the next sample. Must stay true: idle time is nobody's; the shares of all rows
 * add up to one.
 */

/** What V8 writes, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Monotonic clock of the machine, µs. */
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes. */
  readonly samples: readonly number[];
  /** µs since the sample before; the first since `startTime`. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

/** Lines and columns from 0, as V8 counts. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface FunctionTime {
  readonly frame: CallFrame;
  readonly selfUs: number;
  /** With everything it called. */
  readonly totalUs: number;
}

/** Monotonic µs; a sample counts when it was taken between them. */
export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

const ALWAYS: Span = { fromUs: 0, toUs: Number.POSITIVE_INFINITY };
const IDLE = '(idle)';

/** Every function that was seen, the most expensive first. Idle time is left out. */
export function functionTimes(profile: CpuProfile, span: Span = ALWAYS): FunctionTime[] {
  const selfOfNode = sampledUs(profile, span);
  const rows = new Map<string, { frame: CallFrame; selfUs: number; totalUs: number }>();
  const row = (frame: CallFrame) => {
    const key = `${frame.functionName} ${frame.url}:${frame.lineNumber}:${frame.columnNumber}`;
    const found = rows.get(key) ?? { frame, selfUs: 0, totalUs: 0 };
    rows.set(key, found);
    return found;
  };
  const parents = parentsOf(profile.nodes);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const [id, us] of selfOfNode) {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === IDLE) continue;
    row(node.callFrame).selfUs += us;
    const counted = new Set(); // a recursive function is under way once
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame === undefined || frame.functionName === '(root)') break;
      const total = row(frame);
      if (!counted.has(total)) total.totalUs += us;
      counted.add(total);
    }
  }
  return [...rows.values()].sort((a, b) => b.selfUs - a.selfUs);
}

/** Several threads of one process, as one list. */
export function mergedTimes(lists: readonly (readonly FunctionTime[])[]): FunctionTime[] {
  const rows = new Map<string, FunctionTime>();
  for (const each of lists.flat()) {
    const { functionName, url, lineNumber, columnNumber } = each.frame;
    const key = `${functionName} ${url}:${lineNumber}:${columnNumber}`;
    const before = rows.get(key);
    rows.set(key, {
      frame: each.frame,
      selfUs: each.selfUs + (before?.selfUs ?? 0),
      totalUs: each.totalUs + (before?.totalUs ?? 0),
    });
  }
  return [...rows.values()].sort((a, b) => b.selfUs - a.selfUs);
}

function sampledUs({ startTime, samples, timeDeltas }: CpuProfile, span: Span) {
  const selfOfNode = new Map<number, number>();
  let atUs = startTime;
  for (const [index, id] of samples.entries()) {
    atUs += timeDeltas[index] ?? 0;
    if (atUs < span.fromUs || atUs > span.toUs) continue;
    const untilNextUs = Math.max(0, timeDeltas[index + 1] ?? 0);
    selfOfNode.set(id, (selfOfNode.get(id) ?? 0) + untilNextUs);
  }
  return selfOfNode;
}

function parentsOf(nodes: readonly ProfileNode[]): Map<number, number> {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  return parents;
}

/**
 * Which tools does the provider get, and must it call one?
 *
 * Tools with a schema are the client's and go along; those that run at Anthropic (typed, without a
 * schema) have nothing here to run them and are left out. Where a provider knows only "auto", a
 * stronger choice is put in words (WIRE.md §F.3, §G).
 */
import { GatewayError } from '../../errors.ts';
import type { ChatDialect } from '../../providers/types.ts';
import type { MessagesRequest, Tool, ToolChoice } from '../../wire/anthropic-request.ts';
import type { ChatTool, ChatToolChoice } from '../../wire/openai-request.ts';
import { parametersOf } from './schemas.ts';
import type { ToolNames } from './tool-names.ts';

/** Claude Code's stand-in for tools it has not loaded; calling it can only fail (CLIENTS.md §1). */
const PLACEHOLDER_TOOL = 'DeferredToolPlaceholder';

export interface NamedTool extends Tool {
  readonly name: string;
}

export interface ToolPlan {
  /** Empty: `tools`, `tool_choice` and `parallel_tool_calls` are all left out. */
  readonly tools: readonly ChatTool[];
  readonly hasTools: boolean;
  readonly choice: ChatToolChoice | undefined;
  /** False only where the client forbids parallel calls. */
  readonly parallel: false | undefined;
  /** The choice in words, for a provider that cannot be told otherwise; '' = nothing to say. */
  readonly hint: string;
  /** The client's names of `tools`. */
  readonly offered: ReadonlySet<string>;
}

/** The tools that a chat completions provider can be offered. Of two with one name the first
 *  counts. */
export function clientTools(request: MessagesRequest): NamedTool[] {
  const byName = new Map<string, NamedTool>();
  for (const tool of request.tools ?? []) {
    if (isClientTool(tool) && !byName.has(tool.name)) byName.set(tool.name, tool);
  }
  return [...byName.values()];
}

function isClientTool(tool: Tool): tool is NamedTool {
  if (typeof tool.name !== 'string' || tool.name === PLACEHOLDER_TOOL) return false;
  const custom = tool.type === undefined || tool.type === null || tool.type === 'custom';
  return custom || (tool.input_schema !== undefined && tool.input_schema !== null);
}

/** Throws INVALID_REQUEST when the choice names a tool that the request does not have. */
export function planTools(
  request: MessagesRequest,
  names: ToolNames,
  dialect: ChatDialect,
): ToolPlan {
  const choice = knownChoice(request);
  const tools = withinBound(choose(clientTools(request), choice, dialect), choice, dialect);
  return {
    tools: tools.map((tool) => chatTool(tool, names, dialect)),
    hasTools: tools.length > 0,
    choice: tools.length === 0 ? undefined : chatChoice(choice, names, dialect),
    parallel: tools.length > 0 && forbidsParallel(choice) ? false : undefined,
    hint: tools.length === 0 ? '' : choiceHint(choice, names, dialect),
    offered: new Set(tools.map((tool) => tool.name)),
  };
}

/** A choice of a tool that was left out becomes none at all; one of an unknown tool is an error. */
function knownChoice(request: MessagesRequest): ToolChoice | undefined {
  const choice = request.tool_choice ?? undefined;
  if (choice?.type !== 'tool') return choice;
  if (clientTools(request).some((tool) => tool.name === choice.name)) return choice;
  if (request.tools?.some((tool) => tool.name === choice.name)) return undefined;
  throw new GatewayError(
    'INVALID_REQUEST',
    `tool_choice.name: "${choice.name}" is not among the tools of the request`,
  );
}

function choose(
  tools: readonly NamedTool[],
  choice: ToolChoice | undefined,
  dialect: ChatDialect,
): readonly NamedTool[] {
  if (dialect.toolChoice === 'full' || choice === undefined) return tools;
  if (choice.type === 'none') return [];
  return choice.type === 'tool' ? tools.filter((tool) => tool.name === choice.name) : tools;
}

/** The first ones, and in any case the one that must be called. */
function withinBound(
  tools: readonly NamedTool[],
  choice: ToolChoice | undefined,
  dialect: ChatDialect,
): readonly NamedTool[] {
  if (dialect.maxTools === 0 || tools.length <= dialect.maxTools) return tools;
  const kept = tools.slice(0, dialect.maxTools);
  const forced = choice?.type === 'tool' ? tools.find((tool) => tool.name === choice.name) : null;
  if (forced && !kept.includes(forced)) kept[kept.length - 1] = forced;
  return kept;
}

function chatTool(tool: NamedTool, names: ToolNames, dialect: ChatDialect): ChatTool {
  return {
    type: 'function',
    function: {
      name: names.upstream(tool.name),
      description: tool.description?.trim() ? tool.description : tool.name,
      parameters: parametersOf(tool.input_schema, dialect.droppedSchemaKeywords),
    },
  };
}

function chatChoice(
  choice: ToolChoice | undefined,
  names: ToolNames,
  dialect: ChatDialect,
): ChatToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (dialect.toolChoice === 'auto') return 'auto';
  switch (choice.type) {
    case 'auto':
      return 'auto';
    case 'none':
      return 'none';
    case 'any':
      return 'required';
    case 'tool':
      return { type: 'function', function: { name: names.upstream(choice.name) } };
    default:
      return choice satisfies never;
  }
}

function choiceHint(
  choice: ToolChoice | undefined,
  names: ToolNames,
  dialect: ChatDialect,
): string {
  if (dialect.toolChoice === 'full') return '';
  if (choice?.type === 'any') return 'You must answer by calling one of the tools.';
  if (choice?.type !== 'tool') return '';
  return `You must answer by calling the tool ${names.upstream(choice.name)}.`;
}

function forbidsParallel(choice: ToolChoice | undefined): boolean {
  return (
    choice !== undefined && choice.type !== 'none' && choice.disable_parallel_tool_use === true
  );
}

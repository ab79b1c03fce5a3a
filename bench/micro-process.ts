/** One micro case in a process of its own: `micro-process.ts FILE NAME [allocation]` -> JSON. */
import { measure, measureAllocation } from './measure.ts';
import { casesOf } from './micro-files.ts';

const [file = '', name = '', what = 'all'] = process.argv.slice(2);
const one = (await casesOf(file)).find((each) => each.name === name);
if (one === undefined) throw new Error(`no case "${name}" in ${file}`);
const result = what === 'allocation' ? measureAllocation(one) : measure(one);
process.stdout.write(JSON.stringify(result));

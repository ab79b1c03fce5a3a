/** One micro case in a process of its own: `micro-process.ts FILE NAME [allocation | spin SECONDS]`
 *  prints what it measured, as JSON. */
import { measure, measureAllocation, spin } from './measure.ts';
import { casesOf } from './micro-files.ts';

const [file = '', name = '', what = 'all', seconds = '1'] = process.argv.slice(2);
const one = (await casesOf(file)).find((each) => each.name === name);
if (one === undefined) throw new Error(`no case "${name}" in ${file}`);
const run = () => (what === 'allocation' ? measureAllocation(one) : measure(one));
process.stdout.write(JSON.stringify(what === 'spin' ? spin(one, Number(seconds)) : run()));

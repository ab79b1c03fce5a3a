/** One micro case in a process of its own, which prints what it measured as JSON:
 *  `micro-process.ts FILE NAME [all | allocation | time | spin SECONDS]`. */
import { measure, measureAllocation, measureTime, spin } from './measure.ts';
import { casesOf } from './micro-files.ts';

const [file = '', name = '', what = 'all', seconds = '1'] = process.argv.slice(2);
const one = (await casesOf(file)).find((each) => each.name === name);
if (one === undefined) throw new Error(`no case "${name}" in ${file}`);
const result = () => {
  if (what === 'allocation') return measureAllocation(one);
  if (what === 'time') return measureTime(one);
  return what === 'spin' ? spin(one, Number(seconds)) : measure(one);
};
process.stdout.write(JSON.stringify(result()));

// Looks into a file of weights, and prints as JSON what was said of it and how much memory that took at most.
//
//   node weights.mjs FILE [DESCRIPTORS]     with so many file descriptors left
import { loadAddon, withoutDescriptors } from './inputs.mjs';

const [path, left] = process.argv.slice(2);
const addon = loadAddon();
const before = process.resourceUsage().maxRSS;
const inspect = () => addon.inspectWeights({ path }).catch((error) => error);
// What is read once in a process, its processor say, is read before.
if (left !== undefined) await inspect();
const { code, message } = await (left === undefined ? inspect() : withoutDescriptors(Number(left), inspect));
const tookMiB = (process.resourceUsage().maxRSS - before) / 1024;
process.stdout.write(JSON.stringify({ code, message, tookMiB }));

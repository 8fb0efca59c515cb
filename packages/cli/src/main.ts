import { runInProcess } from './process-context.js';
import { runProgram } from './program.js';

runInProcess((context) => runProgram(process.argv.slice(2), context), __dirname);

import type { Writable } from 'node:stream';
import { canDecorate } from './terminal.js';

type Paint = (text: string) => string;

/** How a text may be told apart; where there are no colours, it is as it was. */
export type Style = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', Paint>>;

const asItIs: Paint = (text) => text;

/** Where there are no colours. */
export const PLAIN: Style = { bold: asItIs, dim: asItIs, red: asItIs, green: asItIs, yellow: asItIs };

/** `text` between the codes that begin and end something (ECMA-48 SGR). */
function paint(begin: number, end: number): Paint {
  return (text) => `\u001b[${begin}m${text}\u001b[${end}m`;
}

/** The style for `stream`. */
export function styleFor(stream: Writable | undefined, environment: NodeJS.ProcessEnv): Style {
  return canDecorate(stream, environment)
    ? {
        bold: paint(1, 22),
        dim: paint(2, 22),
        red: paint(31, 39),
        green: paint(32, 39),
        yellow: paint(33, 39),
      }
    : PLAIN;
}

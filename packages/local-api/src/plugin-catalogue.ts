import { createHash } from 'node:crypto';
import { includesTier, type Tier } from './tiers.js';

/** A plugin the CLI can load. */
export type Plugin = {
  readonly name: string;
  readonly version: string;
  /** The least tier that may use it. */
  readonly tier: Tier;
  /** The archive itself. */
  readonly content: string;
  /** `sha256:` and the hex digest of the archive. */
  readonly hash: string;
  /** In bytes. */
  readonly size: number;
};

function plugin(name: string, version: string, tier: Tier, purpose: string): Plugin {
  const content = `// ${name} ${version}: ${purpose}\nexport const name = '${name}';\n`;
  const hash = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { name, version, tier, content, hash, size: Buffer.byteLength(content) };
}

/** What there is. */
const CATALOGUE: readonly Plugin[] = [
  plugin('console-logger', '1.2.0', 'free', 'prints each message'),
  plugin('json-exporter', '1.0.3', 'free', 'writes messages to a file'),
  plugin('api-logger', '2.1.0', 'pro', 'sends messages to the API'),
  plugin('risk-analyzer', '1.4.1', 'pro', 'rates what a tool call may do'),
  plugin('compliance-reporter', '3.0.0', 'enterprise', 'reports for auditors'),
];

/** The plugins an account of `tier` may use. */
export function pluginsFor(tier: Tier): readonly Plugin[] {
  return CATALOGUE.filter((each) => includesTier(tier, each.tier));
}

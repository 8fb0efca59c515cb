import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { onTestFinished } from 'vitest';

/** A configuration folder with `text` as its `config.json`. */
export function folderWith(text?: string | Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'km-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'config.json');
  if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
  const environment = { KM_CONFIG_DIR: folder };
  const context = { environment, clock: systemClock, random: () => 0.5, tell: () => undefined };
  return { folder, path, environment, context };
}

/** A `config.json` with what km knows, and with what it does not. */
export const WHOLE = `{
  "version": 1,
  "activeProfile": "work",
  "theme": "dark",
  "profiles": {
    "work": {
      "apiEndpoint": "https://api.example/v2",
      "refreshAhead": "10m",
      "maxRetries": 0,
      "provider": { "issuer": "https://id.example", "clientId": "km", "audience": "x" },
      "colour": "red"
    }
  }
}
`;

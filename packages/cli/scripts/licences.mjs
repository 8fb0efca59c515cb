// The licences of what is bundled: who copies a program must hand on its notices.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const IN_A_PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const NOTICE = /^(licen[cs]e|copying|notice)/i;

/** The folders of the packages from a registry of which something is in the bundles. */
export function bundledPackages(metafiles) {
  const files = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => resolve(file).replaceAll('\\', '/'));
  return [...new Set(files.map((file) => IN_A_PACKAGE.exec(file)?.[0]).filter(Boolean))].sort();
}

/** One text with the name, the version and the notices of each package. Throws where a package has none. */
export function licenceTexts(folders) {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const notices = readdirSync(folder)
      .filter((file) => NOTICE.test(file))
      .sort();
    if (notices.length === 0) throw new Error(`${name} ${version} is bundled and has no licence text`);
    const texts = notices.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  return `km contains the following packages.\n\n${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

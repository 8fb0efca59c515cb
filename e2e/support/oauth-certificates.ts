import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';

/** A little authority, a server and a client that it has certified. */
export type Certificates = {
  readonly caFile: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly certificateFile: string; readonly keyFile: string; readonly subject: string };
  /** One that nobody has certified. */
  readonly stranger: { readonly certificateFile: string; readonly keyFile: string };
};

export function makeCertificates(): Certificates {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const selfSigned = (name: string, subject: string): void => {
    openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', subject);
  };
  const certified = (name: string, subject: string): void => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    writeFileSync(at(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`,
    );
  };
  selfSigned('ca', '/CN=km test authority');
  certified('server', '/CN=localhost');
  certified('client', '/CN=km test client');
  selfSigned('stranger', '/CN=km test client');
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  return {
    caFile: at('ca.pem'),
    server: { cert: read('server.pem'), key: read('server.key') },
    client: {
      certificateFile: at('client.pem'),
      keyFile: at('client.key'),
      subject: 'CN=km test client',
    },
    stranger: { certificateFile: at('stranger.pem'), keyFile: at('stranger.key') },
  };
}

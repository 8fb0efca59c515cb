// Plain use: a manager, a token, and a client whose requests carry one.
import { createAuthenticatedClient, createAuthManager } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';

// Stands for https://api.kilometers.ai, which is where a manager goes that is told no endpoint.
await using api = await startLocalApi({ apiKeys: ['km_pro_example'] });

await using manager = createAuthManager({ apiEndpoint: api.url, apiKey: 'km_pro_example' });

const token = await manager.getValidToken('monitoring');
console.log(`a ${token.type} token ${token.fingerprint}, which prints as ${String(token)}`);

const client = createAuthenticatedClient(manager, 'plugins');
const response = await client(`${api.url}/api/user/features`);
console.log(`the API answered ${String(response.status)}: ${await response.text()}`);

// A program that runs for long keeps its tokens fresh ahead of time; this keeps no process alive.
manager.start();

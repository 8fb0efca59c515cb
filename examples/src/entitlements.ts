// What a token entitles to: read as it stands for display, verified against the API's public keys for decisions.
import { createAuthManager, createEntitlementVerifier, decodeClaims } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';

await using api = await startLocalApi({ apiKeys: ['km_pro_example'] });
await using manager = createAuthManager({ apiEndpoint: api.url, apiKey: 'km_pro_example' });
const verifier = createEntitlementVerifier({ apiEndpoint: api.url, clockSkewMs: () => manager.clockSkewMs });

const token = await manager.getValidToken('monitoring');
console.log(`to show: tier ${decodeClaims(token)?.tier ?? 'unknown'}`);

const entitlements = await verifier.verify(token);
console.log(
  `to decide: ${entitlements.tier === 'free' ? 'no plugins' : 'plugins'}, ${entitlements.scopes.join(' ')}`,
);

// As `fetch` for another client library: any that takes a `fetch` sends valid tokens with no further thought.
import { createAuthenticatedClient, createAuthManager } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';
import createClient from 'openapi-fetch';

type Features = { readonly tier: string; readonly features: readonly string[] };

/** What an OpenAPI description of the API generates, cut to one path. */
type Paths = {
  '/api/user/features': {
    get: { responses: { 200: { content: { 'application/json': Features } } } };
  };
};

await using api = await startLocalApi({ apiKeys: ['km_pro_example'] });
await using manager = createAuthManager({ apiEndpoint: api.url, apiKey: 'km_pro_example' });

const client = createClient<Paths>({
  baseUrl: api.url,
  fetch: createAuthenticatedClient(manager, 'plugins'),
});

const { data, response } = await client.GET('/api/user/features');
console.log(
  `${String(response.status)}: tier ${data?.tier ?? 'unknown'}, ${String(data?.features.length)} features`,
);

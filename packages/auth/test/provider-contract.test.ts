import { createKilometersProvider } from '../src/index.js';
import { tokenProviderContract } from './contract/token-provider-contract.js';
import { startWireApi, WIRE_CLIENT, WIRE_KEY } from './support/wire-api.js';

tokenProviderContract('Kilometers, over a socket', async () => {
  const api = await startWireApi();
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await api[Symbol.asyncDispose]();
    isOpen = false;
  };
  return {
    provider: createKilometersProvider({ apiEndpoint: api.origin }),
    apiKey: WIRE_KEY,
    client: WIRE_CLIENT,
    refuseNext: (status, seconds) => {
      api.next({
        reply: { status, ...(seconds !== undefined && { headers: { 'retry-after': String(seconds) } }) },
      });
    },
    loseNextAnswer: () => {
      api.next({ dropAnswer: true });
    },
    goAway: close,
    close,
  };
});

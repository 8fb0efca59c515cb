export { startDeviceLogin } from './providers/device-login.js';
export { createKilometersProvider } from './providers/kilometers-provider.js';
export { revokeToken } from './providers/revoke-token.js';

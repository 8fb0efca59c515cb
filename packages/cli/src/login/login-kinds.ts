import { apiKeyLogin } from './api-key-login.js';
import { clientLogin } from './client-login.js';
import { deviceLogin } from './device-login.js';
import type { LoginKind } from './login-kind.js';

/** The ways to log in, as the menu has them. */
export const LOGIN_KINDS: readonly LoginKind[] = [deviceLogin, apiKeyLogin, clientLogin];

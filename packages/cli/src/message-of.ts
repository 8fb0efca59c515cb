export { messageOf } from '@kilometers/auth';

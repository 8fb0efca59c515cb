/** Whether a variable of the environment says yes: set, and to nothing that means no. */
export function saysYes(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

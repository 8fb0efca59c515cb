/** Whether the API at `url` takes a token. */
export async function isValid(url: string, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token.trim()}` };
  return (await fetch(`${url}/api/auth/validate`, { headers })).status === 200;
}

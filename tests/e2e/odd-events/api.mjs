/**
 * Sends a request to a sender's API and returns the response. The body is JSON text; a request without a body is a GET.
 * A request that exceeds the workspace's limit of requests per second is repeated.
 */
export async function request(url, token, body) {
  const method = body === undefined ? "GET" : "POST";
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  for (;;) {
    const response = await fetch(url, { method, headers, body });
    if (response.status !== 429) return response;
    await response.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

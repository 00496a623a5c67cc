// A response of src/phone/answer.rs, in one call.

/** `init` is that of a response, as JSON. */
export const response = (init, body) => new Response(body, JSON.parse(init));

// node responses.mjs BASE_URL TOKEN SET    OpenAI's Responses by its own package; SET is `all`, or `plain` for a model that
// says whatever it likes.
import OpenAI from 'openai';
const [base, token, chosen] = process.argv.slice(2); const c = new OpenAI({ baseURL: base + '/v1', apiKey: token, maxRetries: 0 }); let bad = 0;
const t = async (n, plain, f) => { if (chosen === 'plain' && !plain) return; try { console.log('PASS ', n, await f()); } catch (e) { bad++; console.log('FAIL ', n, e.message); } };
const need = (ok, what) => { if (!ok) throw new Error(JSON.stringify(what)); };
const weather = { type: 'function', name: 'get_weather', strict: true, parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'], additionalProperties: false } };
await t('whole', true, async () => { const r = await c.responses.create({ model: 'm', input: 'hello' }); need(r.usage.output_tokens > 0 && r.output.length > 0, r); return r.output_text.length; });
await t('streamed', true, async () => { let text = '', last; for await (const e of await c.responses.create({ model: 'm', input: 'hello', stream: true })) { if (e.type === 'response.output_text.delta') text += e.delta; last = e; } need(/response\.(completed|incomplete)/.test(last.type), last); need(last.response.output.flatMap(i => i.content ?? []).map(p => p.text).join('') === text, last); return text.length; });
await t('accumulated', false, async () => { const s = c.responses.stream({ model: 'm', input: 'hello' }); for await (const _ of s); const r = await s.finalResponse(); need(r.output_text === 'You said: hello', r); return r.output_text; });
await t('tools', false, async () => { const input = [{ role: 'user', content: 'weather?' }]; let r = await c.responses.create({ model: 'm', input, tools: [weather] }); const [call] = r.output; need(call.type === 'function_call' && JSON.parse(call.arguments).location === 'Paris', r); input.push(...r.output, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }); r = await c.responses.create({ model: 'm', input, tools: [weather] }); need(r.output_text === 'It is sunny.', r); return r.output_text; });
process.exit(bad);

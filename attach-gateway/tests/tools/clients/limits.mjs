// node limits.mjs BASE_URL openai TOKEN MODE    as limits.py, with the npm openai client
import OpenAI from 'openai';
const [base, sdk, token, mode] = process.argv.slice(2);
let attempts = 0;
const counting = (...args) => { attempts += 1; return fetch(...args); };
const client = new OpenAI({ baseURL: base + '/v1', apiKey: token, fetch: counting });
const ask = async () => {
  attempts = 0;
  await client.chat.completions.create({ model: 'gpt-4o', max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] });
  return attempts - 1;
};
const need = (ok, why) => { if (!ok) throw new Error(JSON.stringify(why)); };
const short = async () => {
  // On a slow machine there may be room again before the second call.
  for (let round = 0; round < 5; round += 1) {
    await ask();
    const began = performance.now();
    const retries = await ask();
    if (retries) return `retries=${retries} waited=${((performance.now() - began) / 1000).toFixed(2)}`;
  }
  throw new Error('no call was refused');
};
const long = async () => {
  await ask();
  const began = performance.now();
  const error = await ask().then(() => null, (error) => error);
  need(error instanceof OpenAI.RateLimitError && attempts === 1, { error: String(error), attempts });
  need(error.status === 429 && error.code === 'rate_limit_exceeded' && error.type === 'rate_limit_error', error);
  need(error.error.message.includes('is used up') && Number(error.headers.get('retry-after')) > 60, error);
  return `waited=${((performance.now() - began) / 1000).toFixed(2)} after=${error.headers.get('retry-after')}`;
};
try {
  console.log('PASS', sdk, mode, await { short, long }[mode]());
} catch (error) {
  console.log('FAIL', sdk, mode, error.name, error.message);
  process.exit(1);
}

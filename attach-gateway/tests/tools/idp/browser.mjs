// node browser.mjs URL USER [abort]   what a person's browser does: follows redirects, fills in the provider's forms (login,
// consent, device code), and prints the page that asks for nothing more. With `abort` the person says no.
const ISS = process.env.ISSUER ?? 'http://127.0.0.1:4020', [, , start, user, abort] = process.argv, jar = new Map();
const go = async (u, o = {}) => { const url = new URL(u, ISS), ours = url.origin === new URL(ISS).origin;
  const r = await fetch(url, { redirect: 'manual', ...o, headers: ours ? { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; '), ...o.headers } : {} });
  if (ours) for (const c of r.headers.getSetCookie()) { const [kv] = c.split(';'); const i = kv.indexOf('='); jar.set(kv.slice(0, i), kv.slice(i + 1)); }
  return r; };
let r = await go(start), at = start;
for (let i = 0; i < 20; i++) {
  const loc = r.headers.get('location');
  if (loc) { at = loc; r = await go(loc); continue; }
  const html = await r.text(), action = /<form[^>]*action="([^"]+)"/.exec(html)?.[1];
  if (!action) { console.log(r.status, html); break; }
  const attr = (tag, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  const fields = Object.fromEntries([...html.matchAll(/<input[^>]*>/g)].map(([tag]) => [attr(tag, 'name'), attr(tag, 'value') ?? '']));
  if (abort && fields.prompt) { const cancel = /href="([^"]*\/abort)"/.exec(html)[1]; at = cancel; r = await go(cancel); continue; }
  if (abort && fields.confirm) { delete fields.confirm; fields.abort = 'yes'; }
  if (fields.prompt === 'login') Object.assign(fields, { login: user, password: 'x' });
  r = await go(action, { method: 'POST', body: new URLSearchParams(fields) });
}

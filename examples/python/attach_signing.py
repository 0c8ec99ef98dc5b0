"""Signs a request to attach-gateway for a user who is signed in to this program (RFC 9421, RFC 9530).

The standard library is enough. `signed_headers` returns what to add to the request; the program's own access token goes
into `Authorization` as always. The body has to be sent as the very bytes that were signed.
"""

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import quote, urlsplit


def signed_headers(method, url, body, *, key_id, secret, user, email=None, name=None, groups=(), directory=None):
    """`secret` and `body` are bytes; `user` is the stable id that the directory has for the user, not the e-mail."""
    target = urlsplit(url)
    said = {
        "x-attach-user": quote(user, safe=""),
        "x-attach-email": quote(email, safe="@") if email else None,
        "x-attach-name": quote(name, safe="") if name else None,
        "x-attach-groups": ",".join(quote(group, safe="") for group in groups) or None,
        "x-attach-directory": directory,
    }
    headers = {header: value for header, value in said.items() if value}
    if method not in ("GET", "HEAD"):
        headers["content-digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = {"@method": method, "@path": target.path or "/"}
    if target.query:
        covered["@query"] = "?" + target.query
    covered |= headers
    params = (
        f"({' '.join(f'{chr(34)}{component}{chr(34)}' for component in covered)})"
        f';created={int(time.time())};nonce="{secrets.token_urlsafe(24)}";keyid="{key_id}";alg="hmac-sha256"'
    )
    base = "".join(f'"{component}": {value}\n' for component, value in covered.items())
    base += f'"@signature-params": {params}'
    signature = base64.b64encode(hmac.new(secret, base.encode(), hashlib.sha256).digest()).decode()
    return headers | {"signature-input": f"attach={params}", "signature": f"attach=:{signature}:"}


if __name__ == "__main__":
    # python3 attach_signing.py https://llm.example.com/v1/chat/completions alice '{"model":"llama3","messages":[]}'
    import os
    import sys

    url, user, text = sys.argv[1:4]
    key = {"key_id": os.environ["FRONT_END_KEY_ID"], "secret": os.environ["FRONT_END_SECRET"].encode()}
    method = "POST" if text else "GET"
    for header, value in signed_headers(method, url, text.encode(), user=user, **key).items():
        print(f"{header}: {value}")

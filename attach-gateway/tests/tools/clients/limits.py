#!/usr/bin/env python3
"""limits.py BASE_URL SDK TOKEN MODE   what an SDK's own retries make of a limit; SDK is openai or anthropic, MODE is
`short` (a wait of a few seconds) or `long` (more than any program should sleep). Prints PASS or FAIL."""
import sys, time

base, sdk, token, mode = sys.argv[1].rstrip("/"), *sys.argv[2:]
messages = [{"role": "user", "content": "hello"}]

if sdk == "openai":
    import openai as module
    client = module.OpenAI(base_url=base + "/v1", api_key=token)
    def ask(): return client.chat.completions.with_raw_response.create(model="gpt-4o", messages=messages, max_tokens=5)
else:
    import anthropic as module
    client = module.Anthropic(base_url=base, auth_token=token, api_key=None)
    def ask(): return client.messages.with_raw_response.create(model="gpt-4o", messages=messages, max_tokens=5)

def short():
    # On a slow machine there may be room again before the second call.
    for _ in range(5):
        ask()
        began = time.monotonic()
        answer = ask()
        if answer.retries_taken:
            return f"retries={answer.retries_taken} waited={time.monotonic() - began:.2f}"
    raise AssertionError("no call was refused")

def long():
    ask()
    began = time.monotonic()
    try:
        ask()
    except module.RateLimitError as error:
        body = error.body if sdk == "openai" else error.body["error"]
        assert error.status_code == 429 and body["code"] == "rate_limit_exceeded", error.body
        assert body["type"] == "rate_limit_error" and "is used up" in body["message"], error.body
        assert sdk != "openai" or error.code == "rate_limit_exceeded", error.code
        assert int(error.response.headers["retry-after"]) > 60, error.response.headers
        return f"waited={time.monotonic() - began:.2f} after={error.response.headers['retry-after']}"
    raise AssertionError("no call was refused")

try:
    print("PASS", sdk, mode, {"short": short, "long": long}[mode]())
except Exception as error:
    print("FAIL", sdk, mode, type(error).__name__, error)
    sys.exit(1)

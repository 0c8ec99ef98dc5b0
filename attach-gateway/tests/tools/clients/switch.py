"""Streams answers with the official OpenAI client, one after the other, until its input ends.

switch.py BASE TOKEN MODEL: prints the text of each answer on a line; ends with an error if one fails. Retries are off, so
that nothing is made up for.
"""

import select
import sys

from openai import OpenAI

base, token, model = sys.argv[1:]
client = OpenAI(base_url=base + "/v1", api_key=token, max_retries=0, timeout=30)
while not (select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.readline()):
    stream = client.chat.completions.create(
        model=model, stream=True, messages=[{"role": "user", "content": "hello"}]
    )
    finish, text = None, ""
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    if finish != "stop":
        sys.exit(f"ended with {finish}: {text}")
    print(text, flush=True)

#!/usr/bin/env python3
"""ollama_to_openai.py BASE_URL TOKEN   Ollama's package against a gateway before a server that speaks OpenAI's interface.
Prints one line per case (PASS/FAIL) and exits with the number of failures."""
import sys
sys.dont_write_bytecode = True
from cases import case, finish, need
from ollama import Client, ResponseError

client = Client(host=sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"})

def weather(city: str) -> str:
    """The weather.

    Args:
        city: where
    """
    return f"sunny in {city}"

@case("thinking, streamed")
def _():
    parts = list(client.chat(model="llama3", messages=[{"role": "user", "content": "hello"}], think="high", stream=True))
    thought = "".join(p.message.thinking or "" for p in parts)
    said = "".join(p.message.content or "" for p in parts)
    need(thought == "hm, hello" and said == "You said: hello" and parts[-1].done_reason == "stop", parts)
    return thought

@case("tool loop")
def _():
    messages = [{"role": "user", "content": "weather in Paris?"}]
    first = client.chat(model="llama3", messages=messages, tools=[weather]).message
    messages.append(first)
    for call in first.tool_calls:
        result = weather(**call.function.arguments)
        messages.append({"role": "tool", "tool_name": call.function.name, "content": result})
    last = client.chat(model="llama3", messages=messages, tools=[weather])
    need(last.message.content == "You said: sunny in Paris" and last.eval_count == 7, last)
    return last.message.content

@case("image")
def _():
    pixel = b"\x89PNG\r\n\x1a\n"
    r = client.chat(model="llama3", messages=[{"role": "user", "content": "what?", "images": [pixel]}])
    need("what?" in r.message.content, r)
    return r.message.content

@case("generate, streamed")
def _():
    return "".join(p.response for p in client.generate(model="llama3", prompt="hi", system="Be brief.", stream=True))

@case("embed")
def _():
    r = client.embed(model="all-minilm", input=["a", "b"])
    need([list(e) for e in r.embeddings] == [[0.25, -0.5, 0.125]] * 2 and r.prompt_eval_count == 11, r)
    return r.embeddings[0]

@case("show")
def _():
    return client.show("llama3").capabilities

@case("content is refused")
def _():
    try: client.generate(model="llama3", prompt="a", suffix="b")
    except ResponseError as e:
        need(e.status_code == 400 and "suffix" in e.error, e)
        return e.error
    raise AssertionError("accepted")

@case("errors are of their kind")
def _():
    try: client.chat(model="missing", messages=[{"role": "user", "content": "hi"}])
    except ResponseError as e:
        need(e.status_code == 404 and "missing" in e.error, e)
        return e.error
    raise AssertionError("no error")

finish()

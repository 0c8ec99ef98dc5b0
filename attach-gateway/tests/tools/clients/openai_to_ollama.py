#!/usr/bin/env python3
"""openai_to_ollama.py BASE_URL TOKEN   OpenAI's SDK against a gateway before a server that speaks Ollama's interface.
Prints one line per case (PASS/FAIL) and exits with the number of failures."""
import json, sys
sys.dont_write_bytecode = True
from cases import case, finish, need
from openai import OpenAI, BadRequestError, NotFoundError, RateLimitError
from pydantic import BaseModel

client = OpenAI(base_url=sys.argv[1].rstrip("/") + "/v1", api_key=sys.argv[2], max_retries=0)
WEATHER = [{"type": "function", "function": {"name": "weather", "description": "The weather", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}}]
ASK = [{"role": "user", "content": "weather in Paris and Rome?"}]

@case("chat")
def _():
    r = client.chat.completions.create(model="llama3", messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hello"}])
    need(r.choices[0].message.content == "You said: hello" and r.choices[0].finish_reason == "stop", r)
    need(r.usage.total_tokens == 18 and r.model == "llama3" and r.id.startswith("chatcmpl-"), r)
    return r.id

@case("stream helper")
def _():
    with client.chat.completions.stream(model="llama3", messages=[{"role": "user", "content": "Grüße 👋"}], stream_options={"include_usage": True}) as s:
        for _ in s: pass
        r = s.get_final_completion()
    need(r.choices[0].message.content == "You said: Grüße 👋" and r.usage.completion_tokens == 7, r)
    return r.choices[0].message.content

@case("parallel tools, streamed")
def _():
    with client.chat.completions.stream(model="llama3", messages=ASK, tools=WEATHER) as s:
        for _ in s: pass
        m = s.get_final_completion().choices[0]
    cities = [json.loads(c.function.arguments)["city"] for c in m.message.tool_calls]
    need(cities == ["Paris", "Rome"] and m.finish_reason == "tool_calls", m)
    return cities

@case("tool loop")
def _():
    first = client.chat.completions.create(model="llama3", messages=ASK, tools=WEATHER).choices[0].message
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"{c.function.name} {c.function.arguments}"} for c in first.tool_calls]
    need(len({c.id for c in first.tool_calls}) == 2, first)
    r = client.chat.completions.create(model="llama3", messages=[*ASK, first, *results], tools=WEATHER)
    need("Rome" in r.choices[0].message.content, r)
    return r.choices[0].message.content

class Person(BaseModel):
    name: str
    age: int

@case("schema")
def _():
    r = client.chat.completions.parse(model="llama3", messages=[{"role": "user", "content": "who?"}], response_format=Person)
    need(r.choices[0].message.parsed == Person(name="Ada", age=36), r)
    return r.choices[0].message.parsed

@case("embeddings, as they come")
def _():
    r = client.embeddings.create(model="all-minilm", input=["a", "b"])
    need([d.embedding for d in r.data] == [[0.25, -0.5, 0.125]] * 2 and r.usage.prompt_tokens == 11, r)
    return r.data[0].embedding

@case("content is refused by name")
def _():
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    try: client.chat.completions.create(model="llama3", messages=[{"role": "user", "content": [part]}])
    except BadRequestError as e:
        need(e.code == "unsupported_field" and e.param == "$.image_url", e)
        return e.param
    raise AssertionError("accepted")

@case("settings are dropped")
def _():
    r = client.chat.completions.with_raw_response.create(model="llama3", messages=ASK, logit_bias={"1": 1}, user="me")
    need(r.headers["x-attach-dropped"] == "logit_bias, user", r.headers)
    return r.headers["x-attach-dropped"]

@case("errors are of their kind")
def _():
    try: client.chat.completions.create(model="missing", messages=ASK)
    except NotFoundError as e: need("not found" in e.message, e)
    try: client.chat.completions.create(model="busy", messages=ASK, stream=True)
    except RateLimitError as e:
        need(e.response.headers["retry-after"] == "17", e.response.headers)
        return e.message
    raise AssertionError("no error")

finish()

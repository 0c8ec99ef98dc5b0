#!/usr/bin/env python3
"""responses.py BASE_URL TOKEN SET   OpenAI's Responses by its own package; the server's part is in
tests/it/translation_responses/replay.rs. SET is `all`, or `plain` for a model that says whatever it likes.
Prints one line per case (PASS/FAIL) and exits with the number of failures."""
import asyncio, json, sys
import openai
from pydantic import BaseModel

base, token, chosen = sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3]
client = openai.OpenAI(base_url=base + "/v1", api_key=token, max_retries=0)
weather = {"type": "function", "name": "get_weather", "description": "The weather", "strict": True,
           "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"], "additionalProperties": False}}
fails = 0

class Trip(BaseModel):
    city: str
    days: int

def case(f, plain=False):
    global fails
    if chosen == "plain" and not plain: return
    try:
        print("PASS", f.__name__, f() or "")
    except Exception as error:
        fails += 1
        print("FAIL", f.__name__, type(error).__name__, error)

def plain(f): case(f, True)

def valid(response):
    # The package builds its objects without looking at them; this looks.
    type(response).model_validate_json(response.model_dump_json(exclude_unset=True, warnings=False))
    return response

@plain
def whole():
    response = valid(client.responses.create(model="m", input="hello", instructions="Be brief.", metadata={"a": "b"}))
    assert response.status in ("completed", "incomplete") and response.usage.output_tokens > 0, response
    assert response.metadata == {"a": "b"} and response.instructions == "Be brief." and response.store is False, response
    if chosen == "all": assert response.output_text == "You said: hello", response
    return repr(response.output_text[:40])

@plain
def streamed():
    text, numbers, last = "", [], None
    for event in client.responses.create(model="m", input="hello", stream=True):
        numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta": text += event.delta
        last = event
    assert numbers == list(range(len(numbers))), numbers
    assert last.type in ("response.completed", "response.incomplete"), last
    assert valid(last.response).output_text == text and last.response.usage.output_tokens > 0, last
    if chosen == "all": assert text == "You said: hello", text
    return f"{len(numbers)} events"

@plain
def asynchronous():
    async def go():
        async with openai.AsyncOpenAI(base_url=base + "/v1", api_key=token, max_retries=0) as other:
            stream = await other.responses.create(model="m", input=[{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}], stream=True)
            async for event in stream: break
            await stream.close()
            assert event.type == "response.created" and event.response.status == "in_progress", event
    asyncio.run(go())

@case
def accumulated():
    with client.responses.stream(model="m", input="hello") as stream:
        for event in stream:
            if event.type == "response.output_text.delta": assert event.snapshot.endswith(event.delta), event
        response = stream.get_final_response()
    assert response.output_text == "You said: hello", response

def turn(create):
    items = [{"role": "user", "content": "weather?"}]
    response = create(items)
    call = response.output[0]
    assert call.type == "function_call" and call.name == "get_weather" and json.loads(call.arguments) == {"location": "Paris"}, response
    # What the model said goes back as it is, with the tool's answer.
    items += response.output
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    response = create(items)
    assert response.output_text == "It is sunny.", response

@case
def tool_round_trip():
    turn(lambda items: valid(client.responses.create(model="m", input=items, tools=[weather])))

@case
def tool_round_trip_streamed():
    def create(items):
        with client.responses.stream(model="m", input=items, tools=[weather]) as stream: return stream.get_final_response()
    turn(create)

@case
def parsed():
    response = client.responses.parse(model="m", input="structured?", text_format=Trip)
    assert response.output_parsed == Trip(city="Paris", days=3), response

@case
def limited():
    try: client.responses.create(model="m", input="limited")
    except openai.RateLimitError as error: assert error.response.headers["retry-after"] == "17" and "not now" in error.message, error
    else: raise AssertionError("no error")

@case
def broken():
    events = [event for event in client.responses.create(model="m", input="broken", stream=True)]
    assert events[-1].type == "error" and events[-1].code == "upstream_broke", events[-1]

print(f"{fails} failures"); sys.exit(fails)

#!/usr/bin/env python3
"""messages.py BASE_URL TOKEN   Anthropic's SDK against a model of another dialect; the server's part is in
tests/it/translation_anthropic_sdk.rs. Prints one line per case (PASS/FAIL) and exits with the number of failures."""
import sys
import anthropic

base, token = sys.argv[1].rstrip("/"), sys.argv[2]
client = anthropic.Anthropic(base_url=base, auth_token=token, api_key=None, max_retries=0)
tools = [{"name": "weather", "description": "The weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
fails = 0

def case(f):
    global fails
    try:
        print("PASS", f.__name__, f() or "")
    except Exception as error:
        fails += 1
        print("FAIL", f.__name__, type(error).__name__, error)

def ask(text, **more):
    return dict(model="gpt-4o", max_tokens=64, messages=[{"role": "user", "content": text}], **more)

def asked_for(message):
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "tool_use", "tool_use"], kinds
    assert message.content[0].thinking == "hm" and message.stop_reason == "tool_use", message
    calls = [(block.id, block.name, block.input) for block in message.content[1:]]
    assert calls == [("call_a", "weather", {"city": "Bonn"}), ("call_b", "time", {"zone": "CET"})], calls

@case
def whole():
    message = client.messages.create(**ask("hello", system="Be brief."))
    assert message.content[0].text == "You said: hello" and message.stop_reason == "end_turn", message
    assert (message.usage.input_tokens, message.usage.output_tokens) == (11, 7), message.usage

@case
def streamed():
    with client.messages.stream(**ask("hello")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[0].text == "You said: hello", (text, message)
    assert message.usage.output_tokens == 7 and message.stop_reason == "end_turn", message

@case
def tools_whole():
    asked_for(client.messages.create(**ask("tools", tools=tools)))

@case
def tools_streamed():
    with client.messages.stream(**ask("tools", tools=tools)) as stream:
        message = stream.get_final_message()
    asked_for(message)
    # What the model said goes back as it is, with the tools' answers.
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "sunny"} for block in message.content[1:]]
    turns = [{"role": "user", "content": "tools"}, {"role": "assistant", "content": message.content}, {"role": "user", "content": results + [{"type": "text", "text": "so?"}]}]
    again = client.messages.create(model="gpt-4o", max_tokens=64, tools=tools, messages=turns)
    assert again.content[0].text == "You said: so?", again

@case
def overloaded():
    try:
        client.messages.create(**ask("overloaded"))
    except anthropic.APIStatusError as error:
        assert error.status_code == 529 and error.body["error"]["type"] == "overloaded_error", error.body
        return type(error).__name__
    raise AssertionError("no error")

@case
def limited():
    try:
        client.messages.create(**ask("limited"))
    except anthropic.RateLimitError as error:
        assert error.response.headers["retry-after"] == "17", error.response.headers
        return error.body["error"]["type"]
    raise AssertionError("no error")

@case
def broken_off():
    try:
        with client.messages.stream(**ask("broken")) as stream:
            stream.get_final_message()
    except anthropic.APIStatusError as error:
        return error.body["error"]["code"]
    raise AssertionError("no error")

sys.exit(fails)

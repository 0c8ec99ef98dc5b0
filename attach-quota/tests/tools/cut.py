"""cut.py BASE_URL   reads streams that are cut with the official clients; exits with the number of failures."""
import sys

base = sys.argv[1].rstrip("/")
MSG = [{"role": "user", "content": "hello there friends!"}]
failures = 0


def case(function):
    global failures
    try:
        function()
        print("PASS", function.__name__)
    except Exception as error:
        failures += 1
        print("FAIL", function.__name__, type(error).__name__, str(error)[:300])


def as_user(name):
    return {"x-user": name}  # each has an allowance of their own


def openai(user):
    from openai import OpenAI
    return OpenAI(base_url=base + "/v1", api_key="none", max_retries=0, default_headers=as_user(user))


@case
def openai_chat():
    chunks = list(openai("alice").chat.completions.create(model="m", messages=MSG, stream=True, stream_options={"include_usage": True}))
    finish = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert finish == ["length"], finish
    assert chunks[-1].usage.completion_tokens > 100, chunks[-1]
    assert chunks[-1].model_extra["attach"]["code"] == "quota_exceeded", chunks[-1]
    assert len({chunk.id for chunk in chunks}) == 1


@case
def openai_responses():
    events = list(openai("bob").responses.create(model="m", input="hello there friends!", stream=True))
    last = events[-1]
    assert last.type == "response.incomplete", last.type
    assert last.response.incomplete_details.reason == "max_output_tokens"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text and last.response.output_text == text


@case
def openai_responses_accumulated():
    with openai("carol").responses.stream(model="m", input="hello there friends!") as stream:
        kinds = [event.type for event in stream]
    assert kinds[-1] == "response.incomplete", kinds[-3:]


@case
def anthropic_messages():
    import anthropic
    client = anthropic.Anthropic(base_url=base, api_key="none", max_retries=0, default_headers=as_user("dave"))
    with client.messages.stream(model="m", max_tokens=4096, messages=MSG) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert message.stop_reason == "max_tokens", message.stop_reason
    assert text and message.content[0].text == text
    assert message.usage.output_tokens > 100, message.usage


@case
def ollama_chat():
    import ollama
    chunks = list(ollama.Client(host=base, headers=as_user("erin")).chat(model="m", messages=MSG, stream=True))
    assert chunks[-1].done and chunks[-1].done_reason == "length", chunks[-1]
    assert "".join(chunk.message.content for chunk in chunks)


sys.exit(failures)

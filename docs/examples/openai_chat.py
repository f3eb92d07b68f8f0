from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")  # a key where the server asks for one
answer = client.chat.completions.create(
    model="gakju",  # or "gakju:COLLECTION"
    messages=[{"role": "user", "content": "연차휴가는 며칠인가요?"}],
)
print(answer.choices[0].message.content)
for note in answer.gakju["footnotes"]:  # what [1] stands for: document, page, quote, boxes
    print(f"[{note['number']}] {note['document']['title']}, p. {note['page']}: {note['quote']}")

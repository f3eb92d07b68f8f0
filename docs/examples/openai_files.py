from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="none")
rule = ("gym.txt", "체육관은 밤 10시에 닫는다. 수건은 각자 가져온다.".encode())
file = client.files.create(file=rule, purpose="assistants")
store = client.vector_stores.create(name="규정")  # a collection: you see it in the app, too
client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
for hit in client.vector_stores.search(store.id, query="체육관은 언제 닫나요?", max_num_results=1):
    print(f"{hit.score:.2f} {hit.filename}: {hit.content[0].text}")
answer = client.responses.create(
    model="gakju",
    input="체육관은 언제 닫나요?",
    tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
)
print(answer.output_text)
for note in answer.output[-1].content[0].annotations:
    print(f"at {note.index}: {note.filename} ({note.file_id})")

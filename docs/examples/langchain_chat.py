from gakju.integrations.langchain import ChatGakju, GakjuEmbeddings, GakjuRetriever

url = "http://127.0.0.1:8080"  # or assistant=Assistant.open(), without a server
answer = ChatGakju(url=url).invoke("연차휴가는 며칠인가요?")
print(answer.text)
for note in answer.response_metadata["footnotes"]:
    print(f"[{note['number']}] {note['title']}, p. {note['page']}: {note['quote']}")
for passage in GakjuRetriever(url=url, k=2).invoke("연차휴가"):
    print(passage.metadata["title"], passage.metadata["page"], passage.metadata["boxes"])
print(len(GakjuEmbeddings(url=url).embed_query("연차휴가")), "dimensions")

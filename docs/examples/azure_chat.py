from openai import AzureOpenAI

client = AzureOpenAI(azure_endpoint="http://127.0.0.1:8080", api_key="none", api_version="2024-10-21")
answer = client.chat.completions.create(
    model="gakju",  # a deployment: `gakju`, or a name that the setting `aliases` maps to a model
    messages=[{"role": "user", "content": "연차휴가는 며칠인가요?"}],
)
print(answer.choices[0].message.content)

import asyncio

from mcp.client import Client


async def main() -> None:
    async with Client("http://127.0.0.1:8080/mcp") as client:
        print([tool.name for tool in (await client.list_tools()).tools])
        answer = await client.call_tool("ask", {"question": "연차휴가는 며칠인가요?"})
        print(answer.content[0].text)
        print(answer.structured_content["footnotes"][0]["boxes"])


asyncio.run(main())

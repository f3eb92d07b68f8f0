import asyncio

from semantic_kernel import Kernel

from gakju.integrations.semantic_kernel import GakjuChatCompletion, GakjuPlugin


async def main() -> None:
    url, kernel = "http://127.0.0.1:8080", Kernel()
    kernel.add_service(GakjuChatCompletion(url=url))
    print(await kernel.invoke_prompt("연차휴가는 며칠인가요?"))
    library = kernel.add_plugin(GakjuPlugin(url=url), "gakju")
    print(await kernel.invoke(library["search"], query="연차휴가", top=1))


asyncio.run(main())

"""OpenAI's API over the assistant: programs that speak it need another base URL and nothing else."""

GAKJU=http://127.0.0.1:8080
curl -s $GAKJU/v1/documents
curl -s $GAKJU/v1/ask -H 'content-type: application/json' \
  -d '{"question": "연차휴가는 며칠인가요?", "stream": false}'
curl -s $GAKJU/v1/chat/completions -H 'content-type: application/json' \
  -d '{"model": "gakju", "messages": [{"role": "user", "content": "연차휴가는 며칠인가요?"}]}'
curl -s $GAKJU/v1/files -F purpose=assistants -F file=@handbook.pdf

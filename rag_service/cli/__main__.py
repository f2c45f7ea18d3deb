"""``python -m rag_service.cli`` is ``ragloop``."""

from rag_service.cli.main import main

main()

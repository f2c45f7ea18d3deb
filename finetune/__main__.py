"""``python -m finetune FOLDER``: one of the processes that train together in a run's folder."""

import sys
from pathlib import Path

from finetune.processes import work

if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1])))

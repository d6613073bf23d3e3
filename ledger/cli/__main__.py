"""``python -m ledger.cli``: the same as ``zhengyin``, for where no script is installed."""

import sys

from ledger.cli import main

sys.exit(main())

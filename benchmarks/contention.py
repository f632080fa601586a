"""What one `nuriwake segment` costs beside busy processes, against what it costs alone.

python benchmarks/contention.py [--picture FILE] [--busy 4] [--repeats 5] [--json FILE]

Both are measured in turns, so that whatever else the machine does falls on both. The numbers mean
something on a machine that does nothing else; the load before and after is printed. Where the user
is root and Linux keeps control groups of version 1, `--apart` runs everything in a group of its own
that others can hardly disturb.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from nuriwake.engine.precision import describe_cpu
from nuriwake.machine import count_cores

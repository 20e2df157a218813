"""Reads bench lines of both sides in turn from standard input and prints medians and the ratio pair by pair."""
import json
import statistics
import sys

rows = [json.loads(line) for line in sys.stdin]
speed = {side: [row["tokens_per_second"] for row in rows if row["side"] == side] for side in ("temper", "pytorch")}
pairs = [ours / theirs for ours, theirs in zip(speed["temper"], speed["pytorch"])]
print(f"{sys.argv[1]}: {rows[0]['parameters']:,} parameters; tokens/s temper {statistics.median(speed['temper']):,.0f}, "
      f"pytorch {statistics.median(speed['pytorch']):,.0f}; ratio median {statistics.median(pairs):.3f} "
      f"(min {min(pairs):.3f}, max {max(pairs):.3f}, {len(pairs)} pairs)")

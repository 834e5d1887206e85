"""What kraken finds in ALTO or PAGE files, a row of JSON each. Run by the Python that kraken is in.

Its lines can also be cut out, by code that needs PyTorch and SciPy; what only parses does without.
"""

import json
import sys
import types

cutting = types.ModuleType("kraken.lib.segmentation")
cutting.compute_polygon_section = cutting.precompute_polygon_sections = None
sys.modules["kraken.lib.segmentation"] = cutting

from kraken.lib.xml import XMLPage  # noqa: E402  (after what it must not import)

for path in sys.stdin.read().splitlines():
    page = XMLPage(path)
    found = {
        "image": page.imagename.name,
        "size": page.image_size,
        "orders": {
            name: [line.id for line in page.get_sorted_lines(name)]
            for name, order in page.reading_orders.items()
            if order["level"] == "line"
        },
        "lines": [
            {
                "id": line.id,
                "text": line.text,
                "baseline": line.baseline,
                "boundary": line.boundary,
            }
            for line in page.get_sorted_lines()
        ],
    }
    print(json.dumps(found))  # noqa: T201  (the test reads it)

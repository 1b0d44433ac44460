"""COCO detection files: read, checked, written, and turned into records, tables and masks.

```python
from cannery import coco

dataset = coco.load("instances.json")
for problem in coco.check(dataset):
    print(problem)
records = coco.to_records(dataset, root="images")
coco.dump(coco.from_records(records), "again.json")
mask = coco.mask_of(dataset.annotations[0], height=480, width=640)
```

Boxes are `[x, y, width, height]` in pixels from the top left corner, masks `(height, width)`.
Follows the [format's description](https://cocodataset.org/#format-data); what polygons cover, and
the text form of masks, are those of pycocotools.
"""

from __future__ import annotations

from cannery.coco._check import Problem, check
from cannery.coco._dataset import Dataset, dump, dumps, load, loads
from cannery.coco._masks import area_of, box_of, decode, encode, mask_of, rle_of
from cannery.coco._records import from_records, to_records
from cannery.coco._table import from_table, to_table

__all__ = [
    "Dataset",
    "Problem",
    "area_of",
    "box_of",
    "check",
    "decode",
    "dump",
    "dumps",
    "encode",
    "from_records",
    "from_table",
    "load",
    "loads",
    "mask_of",
    "rle_of",
    "to_records",
    "to_table",
]

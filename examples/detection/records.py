"""Object-detection records: boxes, classes, one record per image, a collection of records."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class BBox:
    """An axis-aligned box in pixels, from its top left to its bottom right corner."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @classmethod
    def from_xywh(cls, x: float, y: float, width: float, height: float) -> Self:
        return cls(x, y, x + width, y + height)

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return self.xmin, self.ymin, self.xmax, self.ymax

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        return self.xmin, self.ymin, self.width, self.height

    @property
    def width(self) -> float:
        return self.xmax - self.xmin

    @property
    def height(self) -> float:
        return self.ymax - self.ymin

    @property
    def area(self) -> float:
        """Zero for a box that is empty or inside out."""
        return max(self.width, 0) * max(self.height, 0)

    def intersection(self, other: "BBox") -> "BBox":
        """The common part; inside out (area 0) when the boxes do not touch."""
        return BBox(
            max(self.xmin, other.xmin),
            max(self.ymin, other.ymin),
            min(self.xmax, other.xmax),
            min(self.ymax, other.ymax),
        )

    def iou(self, other: "BBox") -> float:
        """Intersection over union, from 0 (apart) to 1 (the same box)."""
        common = self.intersection(other).area
        union = self.area + other.area - common
        return common / union if union else 0.0


class ClassMap:
    """Names of the classes by label id; ids may have gaps, as COCO's do."""

    def __init__(self, names: Mapping[int, str], supercategories: Mapping[int, str] | None = None):
        self._names = dict(names)
        self._supercategories = dict(supercategories or {})
        self._ids = {name: label_id for label_id, name in self._names.items()}
        if len(self._ids) != len(self._names):
            raise ValueError(f"class names must differ: {sorted(self._names.values())}")

    def name(self, label_id: int) -> str:
        return self._names[label_id]

    def label_id(self, name: str) -> int:
        return self._ids[name]

    def supercategory(self, label_id: int) -> str | None:
        return self._supercategories.get(label_id)

    def __contains__(self, label_id: object) -> bool:
        return label_id in self._names

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClassMap):
            return NotImplemented
        mine = self._names, self._supercategories
        return mine == (other._names, other._supercategories)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ClassMap({len(self)} classes)"


@dataclass
class Common:
    """What is known of an image whatever the task."""

    record_id: int
    filepath: Path
    height: int
    width: int

    @property
    def frame(self) -> BBox:
        """The image itself as a box."""
        return BBox(0, 0, self.width, self.height)


@dataclass
class Detection:
    """The boxes of one image, as parallel lists; the class map is shared by all records."""

    class_map: ClassMap
    label_ids: list[int] = field(default_factory=list)
    bboxes: list[BBox] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    iscrowds: list[bool] = field(default_factory=list)
    annotation_ids: list[int] = field(default_factory=list)
    segmentations: list[Any] = field(default_factory=list)

    def add(
        self,
        label_id: int,
        bbox: BBox,
        *,
        annotation_id: int,
        area: float | None = None,
        iscrowd: bool = False,
        segmentation: Any = None,
    ) -> None:
        """Adds one box; `area` is the object's own (its mask's), by default the box's."""
        self.label_ids.append(label_id)
        self.bboxes.append(bbox)
        self.areas.append(bbox.area if area is None else area)
        self.iscrowds.append(iscrowd)
        self.annotation_ids.append(annotation_id)
        self.segmentations.append(segmentation)

    def keep(self, indices: Iterable[int]) -> "Detection":
        """The boxes at `indices`, in that order."""
        kept = Detection(self.class_map)
        for i in indices:
            kept.add(
                self.label_ids[i],
                self.bboxes[i],
                annotation_id=self.annotation_ids[i],
                area=self.areas[i],
                iscrowd=self.iscrowds[i],
                segmentation=self.segmentations[i],
            )
        return kept

    def __len__(self) -> int:
        return len(self.bboxes)


@dataclass
class Record:
    """One image and the objects in it."""

    common: Common
    detection: Detection


class RecordCollection:
    """Records by their id, in order, with the class map they share."""

    def __init__(self, records: Iterable[Record], class_map: ClassMap):
        self.class_map = class_map
        self._records: dict[int, Record] = {}
        for record in records:
            record_id = record.common.record_id
            if record_id in self._records:
                raise ValueError(f"two records have the id {record_id}")
            if record.detection.class_map is not class_map:
                raise ValueError(f"record {record_id} has a class map of its own")
            self._records[record_id] = record

    @property
    def box_count(self) -> int:
        return sum(len(record.detection) for record in self)

    def map(self, change: Callable[[Record], Record]) -> "RecordCollection":
        """The same collection with every record replaced by `change(record)`."""
        return RecordCollection(map(change, self), self.class_map)

    def select(self, record_ids: Iterable[int]) -> "RecordCollection":
        """The records with these ids, in that order."""
        return RecordCollection((self[i] for i in record_ids), self.class_map)

    def ids(self) -> list[int]:
        return list(self._records)

    def __getitem__(self, record_id: int) -> Record:
        return self._records[record_id]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RecordCollection):
            return NotImplemented
        return self.class_map == other.class_map and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RecordCollection({len(self)} records, {self.box_count} boxes)"
